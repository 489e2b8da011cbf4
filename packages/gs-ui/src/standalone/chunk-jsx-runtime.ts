import { jsxRuntime } from './main-script.ts'

/** Stands in for `react/jsx-runtime` in the parts that are loaded on demand. */
export const { Fragment, jsx, jsxs } = jsxRuntime
