/** Loads what follows a session: nobody needs it before he is logged in. `lwsgs.js` has its own way, see standalone/. */
export const loadLive = () => import('../live-session.ts')
