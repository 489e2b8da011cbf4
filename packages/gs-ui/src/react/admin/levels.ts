import type { admin } from '../../texts/admin.ts'
import type { Say } from '../use-text.tsx'
import { listOf } from './list-of.ts'

type AdminKey = keyof typeof admin

/** The levels that have a name; an application may use those between them. */
const named = [2, 10, 20, 30, 40, 50, 100] as const

const isNamed = (level: number): level is (typeof named)[number] => (named as readonly number[]).includes(level)

/** A level, with its name if it has one. */
export function levelText(level: number, say: Say<AdminKey>): string {
  return isNamed(level) ? say('admin.level.named', { level, name: say(`admin.level.${level}`) }) : String(level)
}

/** The name of a level, '' when it has none. */
export const levelName = (level: number, say: Say<AdminKey>) => (isNamed(level) ? say(`admin.level.${level}`) : '')

/** The levels with a name up to this one, in one sentence. */
export function namedLevels(highest: number, say: Say<AdminKey>): string {
  return listOf(
    named.filter((level) => level <= highest).map((level) => levelText(level, say)),
    say
  )
}
