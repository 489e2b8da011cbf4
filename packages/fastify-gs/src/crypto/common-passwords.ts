import { createRequire } from 'node:module'
import { fold } from './fold.ts'

/** Which passwords are refused for being common: so many of the list, those of an own list, or none. */
export type Blocklist = number | readonly string[] | false

const listed = new Map<string, ReadonlySet<string>>()
const own = new WeakMap<readonly string[], ReadonlySet<string>>()

/** Most common first. Nothing of it stays in memory but what is taken out: it is not kept among the loaded modules. */
function readList(): readonly string[] {
  const require = createRequire(import.meta.url)
  const loaded = new Set(Object.keys(require.cache))
  const { dictionary } = require('@zxcvbn-ts/language-common') as typeof import('@zxcvbn-ts/language-common')
  for (const path of Object.keys(require.cache)) if (!loaded.has(path)) delete require.cache[path]
  return dictionary['passwords-common']
}

/**
 * The first `size` of those that are long enough to be chosen (ASVS 6.2.4), and the first `size` of all, because a repetition of a short one
 * is long enough.
 */
function firstOf(list: readonly string[], size: number, minLength: number): ReadonlySet<string> {
  const found = new Set(list.slice(0, size))
  let left = size
  for (const password of list) {
    if ([...password].length < minLength) continue
    found.add(password)
    if (--left === 0) break
  }
  return found
}

/** The folded passwords of a blocklist; read when it is asked for first, and then kept. */
export function commonPasswords(blocklist: Blocklist, minLength: number): ReadonlySet<string> {
  if (blocklist === false) return new Set()
  if (typeof blocklist === 'number') {
    const key = `${blocklist} ${minLength}`
    const found = listed.get(key) ?? firstOf(readList(), blocklist, minLength)
    listed.set(key, found)
    return found
  }
  const found = own.get(blocklist) ?? new Set(blocklist.map(fold))
  own.set(blocklist, found)
  return found
}
