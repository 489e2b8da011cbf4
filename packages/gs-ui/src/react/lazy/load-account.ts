/** Loads what somebody does with his account. `lwsgs.js` has its own way, see standalone/. */
export const loadAccount = () => import('../account/account-panels.tsx')
