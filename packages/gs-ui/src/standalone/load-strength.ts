import { loadPart } from './load-part.ts'

/** Stands in for react/lazy/load-strength.ts. */
export const loadStrength = () => loadPart<typeof import('../react/strength/strength-meter.tsx')>('strength')
