/** Stands in for react/lazy/no-session.ts: `lwsgs.js` always has a client, and no room for a sentence about it. */
export const noSession = (): never => undefined as never
