import type { FastifyReply, FastifyRequest } from 'fastify'
import { createId, type KeyRing } from '../crypto/tokens.ts'
import { createSessionCookie } from './session-cookie.ts'

/** Accounts that one browser is known for; whoever logs in to more is unknown to the one he used longest ago. */
const maxAccounts = 5
/** Browsers keep no cookie for longer, s. */
const lifetime = 400 * 86_400
const signatureLength = 22
const entryPattern = /^[\w-]{16}[0-9a-z]{7}[\w-]{22}$/

/**
 * A browser that has logged in to an account is known for it, by a cookie that stays when the session ends: then its owner's attempts are
 * counted apart from those of strangers, who cannot lock him out. It is no session, and opens nothing.
 *
 * An entry is a random id, when it was made, and a signature over both and the account. It names no account, and only the server can find
 * out which one it is for.
 */
export interface KnownBrowsers {
  /** Of the cookie, with its prefix. */
  readonly cookieName: string
  /** Id of the browser for an account; null: it is not known for it. The same work whether or not there is such an account. */
  find(request: FastifyRequest, subject: string): string | null
  /**
   * Makes the browser known: somebody has just logged in to the account with it. The id is a new one each time, so what somebody may have
   * copied from the cookie gets no further tries by the owner's logins.
   */
  remember(request: FastifyRequest, reply: FastifyReply, accountId: string): void
}

export function createKnownBrowsers(
  keys: KeyRing,
  settings: { sessionCookieName: string; secure: boolean; now: () => number }
): KnownBrowsers {
  const cookie = createSessionCookie(`${settings.sessionCookieName}-known`, settings.secure)
  const seconds = () => Math.floor(settings.now() / 1000)
  const signed = (accountId: string, head: string) => `${accountId}\0${head}`

  const entriesOf = (request: FastifyRequest) => {
    const value = cookie.read(request.headers.cookie)
    if (value === null || value.length > maxAccounts * 46) return []
    return value.split('.').filter((entry) => entryPattern.test(entry) && Number.parseInt(entry.slice(16, 23), 36) > seconds() - lifetime)
  }
  const isFor = (accountId: string) => (entry: string) =>
    keys.verify('known-browser', signed(accountId, entry.slice(0, 23)), entry.slice(23), signatureLength)

  return {
    cookieName: cookie.name,
    find: (request, subject) => entriesOf(request).find(isFor(subject))?.slice(0, 16) ?? null,
    remember(request, reply, accountId) {
      const head = createId() + seconds().toString(36).padStart(7, '0')
      const entry = head + keys.sign('known-browser', signed(accountId, head), signatureLength)
      const own = isFor(accountId)
      const others = entriesOf(request).filter((other) => !own(other))
      cookie.write(reply, [entry, ...others].slice(0, maxAccounts).join('.'), lifetime)
    }
  }
}
