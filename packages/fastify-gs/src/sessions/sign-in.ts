import type { FastifyReply, FastifyRequest } from 'fastify'
import { publicAccount, type StoredAccount } from '../accounts/accounts.ts'
import { digest } from '../crypto/tokens.ts'
import type { Trx } from '../database/database.ts'
import type { SessionEndEvent } from '../hooks.ts'
import { newTicket, signTicket } from './anonymous-ticket.ts'
import type { SessionLoading } from './load-session.ts'
import { createSession, endSession, renewToken } from './sessions.ts'
import { accountVisit, anonymousVisit, visitState } from './visit.ts'

/** A change of the browser's session that has been written and waits for its commit. */
export interface SignedIn {
  readonly token: string
  readonly account: StoredAccount
  readonly id: string
  readonly createdAt: number
  readonly expiresAt: number
  readonly remember: boolean
  readonly forgotAt: number | null
  /** The session that this browser had before. */
  readonly ended: readonly SessionEndEvent[]
}

export interface SignIn {
  /** In the transaction: ends the browser's session and starts one of the account, always with a new token (no fixation). */
  start(trx: Trx, request: FastifyRequest, account: StoredAccount, terms: { remember: boolean; forgotAt: number | null }): Promise<SignedIn>
  /** In the transaction: the same session with a new token, because it may do more or less now. Null: it has ended meanwhile. */
  renew(trx: Trx, request: FastifyRequest, account: StoredAccount, terms: { forgotAt: number | null }): Promise<SignedIn | null>
  /** After the commit: sends the cookie and makes `request.gs` what it is now. */
  complete(request: FastifyRequest, reply: FastifyReply, signedIn: SignedIn): void
  /** After the commit: the browser goes on with a new anonymous session. */
  leave(request: FastifyRequest, reply: FastifyReply): void
}

export function createSignIn(loading: SessionLoading): SignIn {
  const { cookie, keys, limits, replaced, ticketLimits } = loading
  const forget = (request: FastifyRequest) => {
    const value = cookie.read(request.headers.cookie)
    if (value !== null) replaced.note(value)
  }
  return {
    async start(trx, request, account, terms) {
      const now = loading.now()
      const ended = request.gs.account === null ? [] : await endSession(trx, request.gs.session.id, 'login')
      const session = await createSession(
        trx,
        { accountId: account.id, ip: request.ip, userAgent: request.headers['user-agent'] ?? '', now, ...terms },
        limits
      )
      return { ...session, account, createdAt: now, ...terms, ended }
    },
    async renew(trx, request, account, { forgotAt }) {
      const { session } = request.gs
      const token = await renewToken(trx, session.id, { forgotAt })
      if (token === null) return null
      return {
        token,
        account,
        id: session.id,
        createdAt: session.createdAt,
        expiresAt: visitState(request.gs).end,
        remember: session.remember,
        forgotAt,
        ended: []
      }
    },
    complete(request, reply, signedIn) {
      const now = loading.now()
      forget(request)
      cookie.write(reply, signedIn.token, signedIn.remember ? Math.floor((signedIn.expiresAt - now) / 1000) : undefined)
      request.gs = accountVisit(
        keys,
        {
          ...signedIn,
          account: publicAccount(signedIn.account),
          tokenHash: digest(signedIn.token),
          lastActiveAt: now,
          level: signedIn.account.level,
          sectors: signedIn.account.sectors,
          tokenAt: now,
          tokenUnused: false,
          referer: null
        },
        limits,
        request,
        now
      )
    },
    leave(request, reply) {
      const now = loading.now()
      forget(request)
      request.gs = anonymousVisit(keys, newTicket(now), true, ticketLimits, request, now)
      cookie.write(reply, signTicket(keys, visitState(request.gs).ticket!))
    }
  }
}
