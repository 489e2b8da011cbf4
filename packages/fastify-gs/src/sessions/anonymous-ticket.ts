import { hash, randomBytes } from 'node:crypto'
import type { KeyRing } from '../crypto/tokens.ts'

/*
 * The session of a visitor who has not logged in: 20 random bytes and two times, signed by the server. It costs no row, and
 * nobody else can make one: an id that the server did not issue is never adopted.
 */

export interface AnonymousTicket {
  /** The random part, base64url. */
  readonly random: string
  /** Public id of the anonymous session. */
  readonly id: string
  /** When the visitor came, ms. */
  readonly startedAt: number
  /** When the ticket was signed last, ms. */
  readonly issuedAt: number
  /** From where the visitor came to the site; null: not known. */
  readonly referer: string | null
}

/** Limits in ms: `idle` since the last signature, `absolute` since the visitor came. */
export interface TicketLimits {
  readonly idle: number
  readonly absolute: number
}

const purpose = 'ticket'
const signatureLength = 22
const ticketPattern = /^([\w-]{27})\.([0-9a-z]{6,9})\.([0-9a-z]{6,9})(?:\.([\w-]{1,270}))?\.([\w-]{22})$/

const fromParts = (random: string, startedAt: number, issuedAt: number, referer: string | null): AnonymousTicket => ({
  random,
  id: hash('sha256', random, 'base64url').slice(0, 16),
  startedAt,
  issuedAt,
  referer
})
const body = ({ random, startedAt, issuedAt, referer }: AnonymousTicket) =>
  `${random}.${startedAt.toString(36)}.${issuedAt.toString(36)}${referer === null ? '' : `.${Buffer.from(referer).toString('base64url')}`}`

/** @param referer at most 200 ASCII characters */
export function newTicket(now: number, referer: string | null = null): AnonymousTicket {
  return fromParts(randomBytes(20).toString('base64url'), now, now, referer)
}

/** What goes into the cookie. */
export function signTicket(keys: KeyRing, ticket: AnonymousTicket): string {
  return `${body(ticket)}.${keys.sign(purpose, body(ticket), signatureLength)}`
}

/** Null: not ours, damaged or expired. */
export function readTicket(keys: KeyRing, text: string, limits: TicketLimits, now: number): AnonymousTicket | null {
  const match = ticketPattern.exec(text)
  if (match === null) return null
  const referer = match[4] === undefined ? null : Buffer.from(match[4], 'base64url').toString()
  const ticket = fromParts(match[1]!, Number.parseInt(match[2]!, 36), Number.parseInt(match[3]!, 36), referer)
  if (now >= ticket.issuedAt + limits.idle || now >= ticket.startedAt + limits.absolute) return null
  return keys.verify(purpose, body(ticket), match[5]!, signatureLength) ? ticket : null
}

/** Whether the ticket should be signed anew, so that a visitor who stays keeps it. */
export function ticketAges(ticket: AnonymousTicket, limits: TicketLimits, now: number): boolean {
  return now - ticket.issuedAt > limits.idle / 2
}
