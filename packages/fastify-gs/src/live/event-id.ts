import { digest } from '../crypto/tokens.ts'
import type { AccountVisit } from '../sessions/visit.ts'

/**
 * What a page has been told: the id of each event says it, so that any process can go on where another one has stopped. Whoever makes up an
 * id only chooses which of his own news he is told again.
 */
export interface Told {
  /** All entries of the log of changes up to this one. */
  readonly upTo: number
  /** And these, in ascending order: on PostgreSQL one may appear behind another with a higher number. */
  readonly beyond: readonly number[]
  readonly verified: boolean
  readonly mask: number
  readonly level: number
  /** Of the address, which must not stand in the logs of proxies. */
  readonly email: string
  /** Beginning of the public id of the session. */
  readonly session: string
}

/** The id of `ended`: who comes back with it has heard all. */
export const endedId = 'ended'

/** With more of them the oldest one counts as the end of what is told. */
const longestBeyond = 4

const layout = /^1\.([0-9a-z]{1,11}(?:-[0-9a-z]{1,11}){0,4})\.([01])\.([0-9a-z]{1,7})\.([0-9a-z]{1,3})\.([\w-]{8})\.([\w-]{8})$/

const short = (id: string) => id.slice(0, 8)

/** What a page knows that has been told this visit, but for the log. */
export function toldOf({ account, mask, level, session }: AccountVisit): Omit<Told, 'upTo' | 'beyond'> {
  const email = short(digest(`${session.id}\n${account.email ?? ''}`))
  return { verified: account.verified, mask, level, email, session: short(session.id) }
}

/** Whether the entry of the log has not been told yet. */
export const isNews = ({ upTo, beyond }: Told, id: number): boolean => id > upTo && !beyond.includes(id)

export function withNews(told: Told, id: number): Told {
  const beyond = [...told.beyond, id].sort((a, b) => a - b)
  return beyond.length > longestBeyond ? { ...told, upTo: beyond[0]!, beyond: beyond.slice(1) } : { ...told, beyond }
}

/** At most 92 characters. */
export function eventIdOf({ upTo, beyond, verified, mask, level, email, session }: Told): string {
  const steps = beyond.map((id, index) => id - (beyond[index - 1] ?? upTo))
  const log = [upTo, ...steps].map((number) => number.toString(36)).join('-')
  return ['1', log, verified ? '1' : '0', mask.toString(36), level.toString(36), email, session].join('.')
}

/** Null: it is none that {@link eventIdOf} could have made. */
export function readEventId(text: string): Told | null {
  const [, log = '', verified, mask = '', level = '', email = '', session = ''] = layout.exec(text) ?? []
  if (verified === undefined) return null
  const [upTo = 0, ...steps] = log.split('-').map((number) => parseInt(number, 36))
  const beyond: number[] = []
  for (const step of steps) beyond.push((beyond.at(-1) ?? upTo) + step)
  if (steps.includes(0) || !Number.isSafeInteger(beyond.at(-1) ?? upTo)) return null
  return { upTo, beyond, verified: verified === '1', mask: parseInt(mask, 36), level: parseInt(level, 36), email, session }
}
