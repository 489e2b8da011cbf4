import { ZxcvbnFactory, type Score } from '@zxcvbn-ts/core'
import { adjacencyGraphs, dictionary } from '@zxcvbn-ts/language-common'
import { strength } from '../texts/strength.ts'

type Key = keyof typeof strength
export type WarningKey = Key extends infer K ? (K extends `strength.warning.${infer Name}` ? Name : never) : never
export type SuggestionKey = Key extends infer K ? (K extends `strength.suggestion.${infer Name}` ? Name : never) : never

export interface Strength {
  /** From 0, guessed at once, to 4, not guessed even by who has stolen the database. */
  readonly score: Score
  /** Why it is weak; null: it is not, or there is no simple reason. */
  readonly warning: WarningKey | null
  /** What would make it stronger, the most useful first. */
  readonly suggestions: readonly SuggestionKey[]
}

/** What an attacker who knows the person and the page tries first. */
export interface StrengthContext {
  readonly username?: string
  readonly email?: string
  /** Host name of the page. */
  readonly site?: string
}

/** More characters make it slow and no weaker. */
const longest = 100

const isWarning = (key: string | null): key is WarningKey => Object.hasOwn(strength, `strength.warning.${key}`)
const isSuggestion = (key: string): key is SuggestionKey => Object.hasOwn(strength, `strength.suggestion.${key}`)

let estimator: ZxcvbnFactory | undefined

/** How hard it is to guess a password. Takes a few milliseconds; the first call some ten more. */
export function estimate(password: string, context: StrengthContext = {}): Strength {
  estimator ??= new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs, maxLength: longest })
  const { score, feedback, sequence } = estimator.check(password, wordsOf(context))
  const isUnknown = sequence.length <= 2 && sequence.some(({ pattern }) => pattern === 'bruteforce')
  if (score > 2 && isUnknown && isLikeWord(password)) return { score: 2, warning: 'wordByItself', suggestions: ['anotherWord'] }
  return {
    score,
    warning: isWarning(feedback.warning) ? feedback.warning : null,
    suggestions: feedback.suggestions.filter(isSuggestion)
  }
}

/** Names and addresses as they are, and their parts. */
function wordsOf({ username = '', email = '', site = '' }: StrengthContext): string[] {
  const whole = [username, email, site].map((text) => text.trim().toLowerCase())
  const parts = whole.flatMap((text) => text.split(/[^\p{L}\p{N}]+/u))
  return [...new Set([...whole, ...parts])].filter((word) => word.length >= 3)
}

/**
 * One run of letters, as a word or name that is in no list: the lists of all languages would be megabytes. More than twenty letters are
 * hardly one word.
 */
function isLikeWord(password: string): boolean {
  return /^\p{L}\p{Ll}{0,19}$/u.test(password)
}
