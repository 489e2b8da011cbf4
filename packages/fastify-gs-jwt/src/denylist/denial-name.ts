import { hash } from 'node:crypto'
import type { DeniableToken, Denial } from './denylist.ts'

/** What a denial can name. */
export const denialKinds = ['jti', 'sub', 'sid'] as const

export type DenialKind = (typeof denialKinds)[number]

interface DenialName {
  readonly kind: DenialKind
  readonly value: string
}

const isTime = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0

/** A denial that could not be found again must not look like one that was made. */
export function nameOf(denial: Denial): DenialName {
  const { before, until } = denial
  if (!isTime(before) || !isTime(until)) throw new TypeError('A denial needs before and until, whole numbers of ms since 1970.')
  const given = denial as DeniableToken
  const [kind, ...more] = denialKinds.filter((name) => given[name] !== undefined)
  const value = kind === undefined ? undefined : given[kind]
  if (kind === undefined || more.length > 0 || typeof value !== 'string' || value === '')
    throw new TypeError('A denial names one thing: a jti, a sub or a sid.')
  return { kind, value }
}

/** The name as the database has it: always as long, and nobody reads there who was denied. */
export const denialKey = (kind: DenialKind, value: string): string => hash('sha256', `${kind}:${value}`, 'base64url')
