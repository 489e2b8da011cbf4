import { join } from 'node:path'
import { root } from '../setup/root.mjs'

/** What one step of `npm test` found. A check without tests of its own counts as one. */
export interface Outcome {
  passed: number
  failed: number
  /** Skipped or unstable tests, for instance. */
  note?: string
  /** All that a reader needs when something failed. */
  output?: string
}

export interface Step {
  /** The word that selects it: `npm test -- lint`. */
  name: string
  title: string
  /** Uses up the words that are no step names, to choose among its tests. */
  takesFilters?: boolean
  /** @param progress shows how far a long step has come @param filters parts of the names of test files; empty: all */
  run: (progress: (text: string) => void, filters: readonly string[]) => Promise<Outcome>
}

/** Where the whole output of a step is kept. */
export function logOf(step: string): string {
  return join(root, 'artifacts', 'logs', `${step}.log`)
}

/** The outcome of a check that is one thing: it holds, or here is why not. */
export function checked(ok: boolean, output: string): Outcome {
  return ok ? { passed: 1, failed: 0 } : { passed: 0, failed: 1, output }
}
