/** Loads what an admin does. `lwsgs.js` has its own way, see standalone/. */
export const loadAdmin = () => import('../admin/admin-panel.tsx')
