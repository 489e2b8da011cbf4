import { useEffect, useState } from 'preact/hooks'

/*
 * Stands in for `react` in `lwsgs.js`: of preact/compat only what the widget uses. The rest of it, for events and components of other
 * libraries, is 1.5 kB gzipped, a tenth of the script (docs/decisions/0013).
 */
export { createContext, createElement } from 'preact'
export { useContext, useEffect, useMemo, useRef, useState } from 'preact/hooks'

let ids = 0

/** As React's, for a page that no server has rendered. */
export const useId = (): string => useState(() => `gs-${++ids}`)[0]

/** As React's, for a store that is read while rendering. */
export function useSyncExternalStore<T>(subscribe: (listener: () => void) => () => void, getSnapshot: () => T): T {
  const [, draw] = useState(getSnapshot)
  useEffect(() => {
    // The same value again draws nothing.
    const look = () => draw(() => getSnapshot())
    // It may have changed before anybody listened.
    look()
    return subscribe(look)
  }, [subscribe, getSnapshot])
  return getSnapshot()
}
