import { createElement, Fragment, type ComponentType } from 'preact'

/** Stands in for `react/jsx-runtime` in `lwsgs.js`, smaller than Preact's own. */
export function jsx(type: string | ComponentType, props: object, key?: string) {
  return createElement(type as string, key === undefined ? props : { ...props, key })
}

export { Fragment, jsx as jsxs }
