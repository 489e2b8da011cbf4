/** Stands in for react/lazy/use-time-zone.ts: `lwsgs.js` has no room for it. */
export const useTimeZone = (): void => undefined
