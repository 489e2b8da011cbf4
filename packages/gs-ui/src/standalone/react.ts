import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'

/*
 * Stands in for `react` in `lwsgs.js`: of preact/compat only what the widget uses. The rest of it, for events and components of other
 * libraries, is 1.5 kB gzipped, a tenth of the script (docs/decisions/0010).
 */
export { createContext, createElement } from 'preact'
export { useCallback, useContext, useEffect, useId, useMemo, useRef, useState } from 'preact/hooks'

/** As React's, for a store that is read while rendering. */
export function useSyncExternalStore<T>(subscribe: (listener: () => void) => () => void, getSnapshot: () => T): T {
  const value = getSnapshot()
  const shown = useRef(value)
  const [, draw] = useState({})
  useLayoutEffect(() => {
    shown.current = value
  })
  useEffect(() => {
    const look = () => {
      if (!Object.is(shown.current, getSnapshot())) draw({})
    }
    // It may have changed before anybody listened.
    look()
    return subscribe(look)
  }, [subscribe, getSnapshot])
  return value
}
