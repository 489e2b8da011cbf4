/** Loads what estimates passwords: far bigger than everything else, so only when somebody chooses one. `lwsgs.js` has its own way, see standalone/. */
export const loadStrength = () => import('../strength/strength-meter.tsx')
