import type { admin } from '../../texts/admin.ts'
import type { Say } from '../use-text.tsx'

/** Several things in one text, '' when there are none. */
export function listOf(items: readonly string[], say: Say<keyof typeof admin>): string {
  const [first = '', ...others] = items
  return others.reduce((before, next) => say('admin.list', { before, next }), first)
}
