import type * as main from './lwsgs.tsx'

/** What the main script exports stands in a global variable. */
export const { react, jsxRuntime, toolkit, addLook, loadPart } = (globalThis as unknown as { lwsgs: typeof main }).lwsgs
