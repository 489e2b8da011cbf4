/** Loads what a visitor needs who has no account, or not its password. `lwsgs.js` has its own way, see standalone/. */
export const loadGuest = () => import('../guest/guest-panels.tsx')
