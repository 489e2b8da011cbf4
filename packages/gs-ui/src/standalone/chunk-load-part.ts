/** Stands in for load-part.ts in the parts, which cannot see where the main script came from. */
export { loadPart } from './main-script.ts'
