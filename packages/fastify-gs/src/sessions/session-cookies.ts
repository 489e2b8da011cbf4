import type { FastifyReply, onSendHookHandler } from 'fastify'
import { createSessionCookie, type SessionCookie } from './session-cookie.ts'

/** What a browser has brought, unchecked. */
interface PresentedCookies {
  /** What may be the token of a logged-in session. */
  readonly token: string | null
  /** What may be the ticket of an anonymous session. */
  readonly ticket: string | null
  /** Whether something stands in a cookie of its own for logged-in sessions. */
  readonly hasOwn: boolean
}

/**
 * The one cookie that holds a ticket or a token, or the two that hold one each. Of two, a token in the one for tickets counts as nothing,
 * and so does a ticket in the other one: a value has no more rights than its place.
 */
export interface SessionCookies {
  /** With their prefixes; one or two. */
  readonly names: readonly string[]
  /** Whether there are two. */
  readonly separate: boolean
  readonly read: (header: string | undefined) => PresentedCookies
  readonly writeTicket: (reply: FastifyReply, ticket: string) => void
  /** @param maxAge seconds; undefined: until the browser is closed */
  readonly writeToken: (reply: FastifyReply, token: string, maxAge?: number) => void
  /** The same for an answer whose headers are about to be sent. */
  readonly appendToken: (reply: FastifyReply, token: string, maxAge?: number) => void
  /** Takes what stands in the cookie for logged-in sessions away. Of one cookie nothing: the ticket takes its place. */
  readonly removeToken: (reply: FastifyReply) => void
}

/** Our tokens are 27 characters, tickets longer; anything else needs no look-up. */
export const tokenPattern = /^[\w-]{27}$/

function oneCookie(cookie: SessionCookie): SessionCookies {
  return {
    names: [cookie.name],
    separate: false,
    read(header) {
      const value = cookie.read(header)
      const isToken = value !== null && tokenPattern.test(value)
      return { token: isToken ? value : null, ticket: isToken ? null : value, hasOwn: false }
    },
    writeTicket: cookie.write,
    writeToken: cookie.write,
    appendToken: cookie.append,
    removeToken: () => undefined
  }
}

function twoCookies(anonymous: SessionCookie, loggedIn: SessionCookie): SessionCookies {
  return {
    names: [anonymous.name, loggedIn.name],
    separate: true,
    read(header) {
      const value = loggedIn.read(header)
      return { token: value !== null && tokenPattern.test(value) ? value : null, ticket: anonymous.read(header), hasOwn: !!value }
    },
    writeTicket: anonymous.write,
    writeToken(reply, token, maxAge) {
      loggedIn.write(reply, token, maxAge)
      anonymous.remove(reply)
    },
    appendToken: loggedIn.append,
    removeToken: loggedIn.remove
  }
}

/** @param names without prefix; the same name twice: one cookie */
export function createSessionCookies(names: { readonly anonymous: string; readonly loggedIn: string }, secure: boolean): SessionCookies {
  const loggedIn = createSessionCookie(names.loggedIn, secure)
  return names.anonymous === names.loggedIn ? oneCookie(loggedIn) : twoCookies(createSessionCookie(names.anonymous, secure), loggedIn)
}

/** An answer that brings a visitor his cookie is not for others, whatever a handler has said. Comes after all that may write a cookie. */
export function createKeepForVisitor({ names }: Pick<SessionCookies, 'names'>): onSendHookHandler {
  const isOurs = (cookie: string) => names.some((name) => cookie.startsWith(`${name}=`))
  return function keepForVisitor(_request, reply, _payload, done) {
    const written = reply.getHeader('set-cookie')
    if (written !== undefined && [written].flat().some((cookie) => isOurs(String(cookie)))) {
      const stored = String(reply.getHeader('cache-control') ?? '')
      if (!/\b(?:no-store|private)\b/.test(stored)) reply.header('cache-control', 'private, no-cache')
    }
    done()
  }
}
