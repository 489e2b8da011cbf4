import { dirname, resolve } from 'node:path'
import { accessSync, constants, statSync } from 'node:fs'
import { closestMatch } from 'leven'
import type { LwswsMember, LwswsNode, LwswsObject, LwswsPlace } from './lwsws-json.ts'
import { quote, type LwswsProblems } from './lwsws-problems.ts'

/** What every part of the reader gets. */
export interface LwswsReading {
  readonly problems: LwswsProblems
  /** For `_lws_ddir_` in texts. */
  readonly dataDirectory: string
}

/** The keys that an object may have. */
export interface LwswsKeys {
  /** Keys with an effect. */
  readonly known: readonly string[]
  /** Keys that may be given more than once, with all of them meant. */
  readonly repeatable?: readonly string[]
  /** Keys without effect here: what to do instead, or why nothing is missing. */
  readonly idle?: Readonly<Record<string, string>>
  /** Which one counts of a key that stands twice: lwsws reads its own keys in order, and hands those of protocols over in reverse. */
  readonly counts: 'first' | 'last'
  /** Nothing here protects anything: a key that is not known, and looks like none that is, cannot hurt. */
  readonly harmless?: boolean
}

interface Count {
  readonly fallback: number
  readonly min: number
  readonly max: number
  readonly cure?: string
}

const yes = /^\s*(?:on|yes|true)\s*$/i
const no = /^\s*(?:off|no|false)\s*$/i
/** What C's atoi reads as a whole, without leaving a rest. */
const wholeNumber = /^\s*[+-]?\d+\s*$/

/** The text of a value that may be written with or without quotes. */
const scalar = (node: LwswsNode) => (node.type === 'string' ? node.value : 'raw' in node ? node.raw : null)

const isOff = (node: LwswsNode) => {
  const text = scalar(node)
  return text !== null && (text.trim() === '' || no.test(text) || /^\s*0+\s*$/.test(text))
}

/** The known word which was probably meant, for the end of a sentence. */
export function didYouMean(word: string, known: readonly string[]): string {
  const folded = new Map(known.toReversed().map((candidate) => [candidate.toLowerCase().replaceAll('_', '-'), candidate]))
  const key = word.toLowerCase().replaceAll('_', '-')
  const near = closestMatch(key, [...folded.keys()], { maxDistance: Math.min(3, Math.ceil(key.length / 3)) })
  return near === undefined ? '' : `; did you mean ${quote(folded.get(near)!)}?`
}

/** An object of the configuration, its keys checked, read by type. What is wrong is noted, and read as if it were missing. */
export class LwswsSection implements LwswsPlace {
  readonly file: string
  readonly line: number
  readonly #members: readonly LwswsMember[]
  readonly #keys: LwswsKeys
  readonly #name: string
  readonly #reading: LwswsReading

  /** `name` as it stands in sentences: `the vhost "x"`. */
  constructor(node: LwswsObject, name: string, keys: LwswsKeys, reading: LwswsReading) {
    this.file = node.file
    this.line = node.line
    this.#members = node.members
    this.#keys = keys
    this.#name = name
    this.#reading = reading
    this.#checkKeys()
  }

  #checkKeys(): void {
    const { known, repeatable = [], idle = {}, counts, harmless } = this.#keys
    const seen = new Set<string>()
    for (const member of this.#members) {
      const { key } = member
      const idleReason = Object.hasOwn(idle, key) ? idle[key] : undefined
      if (idleReason !== undefined) {
        if (!isOff(member.value))
          this.#reading.problems.warning(member, `the key ${quote(key)} of ${this.#name} has no effect here: ${idleReason}.`)
      } else if (!known.includes(key)) {
        const guess = didYouMean(key, [...known, ...Object.keys(idle)])
        const message = `the key ${quote(key)} of ${this.#name} is not known${guess || '; remove it.'}`
        if (harmless === true && guess === '') this.#reading.problems.warning(member, message)
        else this.#reading.problems.error(member, message)
      } else if (seen.has(key) && !repeatable.includes(key)) {
        this.#reading.problems.warning(
          member,
          `the key ${quote(key)} of ${this.#name} stands here again; the ${counts} one counts, remove the other.`
        )
      }
      seen.add(key)
    }
  }

  has(key: string): boolean {
    return this.member(key) !== undefined
  }

  member(key: string): LwswsMember | undefined {
    return this.#keys.counts === 'first'
      ? this.#members.find((member) => member.key === key)
      : this.#members.findLast((member) => member.key === key)
  }

  all(key: string): readonly LwswsMember[] {
    return this.#members.filter((member) => member.key === key)
  }

  /** `what` continues "the key x of the vhost y …", or without a key "the vhost y …". */
  error(about: string | LwswsMember | null, what: string): null {
    this.#note('error', about, what)
    return null
  }

  warning(about: string | LwswsMember | null, what: string): null {
    this.#note('warning', about, what)
    return null
  }

  #note(severity: 'error' | 'warning', about: string | LwswsMember | null, what: string): void {
    const member = typeof about === 'string' ? this.member(about) : about
    const key = typeof about === 'string' ? about : about?.key
    this.#reading.problems[severity](
      member ?? this,
      key === undefined ? `${this.#name} ${what}` : `the key ${quote(key)} of ${this.#name} ${what}`
    )
  }

  /** A text of one line; null when it is missing or empty. */
  text(key: string): string | null {
    const member = this.member(key)
    return member === undefined ? null : this.textOf(member)
  }

  textOf(member: LwswsMember): string | null {
    const { value } = member
    if (value.type !== 'string') return this.error(member, 'must be a text in double quotes.')
    if (!value.value.isWellFormed() || /\p{Cc}/u.test(value.value)) return this.error(member, 'has a control character in it; remove it.')
    // Only the first one, as lwsws does.
    const text = value.value.replace('_lws_ddir_', () => this.#reading.dataDirectory)
    return text === '' ? null : text
  }

  /** A text that must not be missing; '' after an error. */
  required(key: string, example: string): string {
    const text = this.text(key)
    if (text !== null) return text
    const member = this.member(key)
    if (member === undefined) this.error(null, `needs the key ${quote(key)}; write ${example}.`)
    else if (member.value.type === 'string' && member.value.value === '') this.error(key, `is empty; write ${example}.`)
    return ''
  }

  count(key: string, { fallback, min, max, cure }: Count): number {
    const member = this.member(key)
    if (member === undefined) return fallback
    const text = scalar(member.value)
    const value = text !== null && wholeNumber.test(text) ? Number(text) : Number.NaN
    // Not -0.
    if (value >= min && value <= max) return value + 0
    this.error(key, `is ${text === null ? 'no number' : quote(text)}; write ${cure ?? `a whole number from ${min} to ${max}`}.`)
    return fallback
  }

  boolean(key: string): boolean {
    const member = this.member(key)
    if (member === undefined) return false
    const text = scalar(member.value)
    if (text !== null && (yes.test(text) || no.test(text))) return yes.test(text)
    if (text !== null && wholeNumber.test(text)) return Number(text) !== 0
    this.error(key, `is ${text === null ? 'no text' : quote(text)}; write "1" or "0", or one of on, yes, true, off, no and false.`)
    return false
  }

  /** The path of a file or directory; a relative one begins at the directory of the configuration file. */
  path(key: string): string | null {
    const text = this.text(key)
    return text === null ? null : resolve(dirname(this.file), text)
  }

  /** The path of a file that can be read. */
  readableFile(key: string): string | null {
    const path = this.path(key)
    if (path === null) return null
    try {
      accessSync(path, constants.R_OK)
      if (statSync(path).isFile()) return path
    } catch {
      // Said below.
    }
    return this.error(key, `names the file ${quote(path)}, which cannot be read; correct the path, or let the user of the server read it.`)
  }

  /** The objects in the lists under a key. */
  objects(key: string, shape: string): readonly LwswsObject[] {
    return this.all(key).flatMap((member) => {
      const { value } = member
      const objects = value.type === 'array' ? value.items.filter((item) => item.type === 'object') : []
      if (value.type !== 'array' || objects.length !== value.items.length) this.error(member, `must be a list of objects: ${shape}.`)
      return objects
    })
  }

  /** The texts by name in the object under a key. */
  texts(key: string, shape: string): ReadonlyMap<string, LwswsMember & { readonly text: string }> {
    const found = new Map<string, LwswsMember & { readonly text: string }>()
    for (const holder of this.all(key)) {
      const { value } = holder
      if (value.type !== 'object') {
        this.error(holder, `must be an object: ${shape}.`)
        continue
      }
      for (const member of value.members) {
        if (member.value.type === 'string') found.set(member.key, { ...member, text: this.textOf(member) ?? '' })
        else this.error(holder, `must have texts in double quotes: ${shape}.`)
      }
    }
    return found
  }
}
