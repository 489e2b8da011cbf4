import type { FastifyReply, FastifyRequest } from 'fastify'
import { publicAccount, recordLogin, type StoredAccount } from '../accounts/accounts.ts'
import { digest } from '../crypto/tokens.ts'
import type { Trx } from '../database/database.ts'
import type { LoginMethod, SessionEndEvent } from '../hooks.ts'
import { newTicket, signTicket, type AnonymousTicket } from './anonymous-ticket.ts'
import type { SessionLoading } from './load-session.ts'
import type { MakeRoom } from './session-limits.ts'
import { createSession, endSession, renewToken } from './sessions.ts'
import { accountVisit, anonymousVisit, noteTicketSent, visitState } from './visit.ts'
import { carrySourceOf, ownerOfTicket } from './visit-data.ts'

/** A change of the browser's session that has been written and waits for its commit. */
export interface SignedIn {
  readonly token: string
  readonly account: StoredAccount
  readonly id: string
  readonly createdAt: number
  readonly expiresAt: number
  readonly remember: boolean
  readonly forgotAt: number | null
  /** The session that this browser had before, and others that had to make room. */
  readonly ended: readonly SessionEndEvent[]
  /** Null: it is the session that it was. */
  readonly upgrade: { readonly method: LoginMethod; readonly formerSessionId: string | null } | null
}

export interface LoginTerms {
  readonly remember: boolean
  readonly forgotAt: number | null
  readonly method: LoginMethod
}

/** A logged-in session of this browser that has been ended, in a transaction that waits for its commit. */
export interface Left {
  readonly ended: readonly SessionEndEvent[]
  /** The anonymous session with which it goes on. */
  readonly ticket: AnonymousTicket
}

export interface SignIn {
  /**
   * In the transaction, whose account row is locked: ends the browser's session and starts one of the account, always with a new token (no
   * fixation).
   *
   * @throws {GsError} `GS_SESSION_REFUSED`, `GS_LOGIN_REFUSED`, `GS_SESSION_LIMIT`, `GS_SESSIONS_FULL`
   */
  start(trx: Trx, request: FastifyRequest, account: StoredAccount, terms: LoginTerms): Promise<SignedIn>
  /** In the transaction: the same session with a new token, because it may do more or less now. Null: it has ended meanwhile. */
  renew(trx: Trx, request: FastifyRequest, account: StoredAccount, terms: { forgotAt: number | null }): Promise<SignedIn | null>
  /** After the commit: sends the cookie and makes `request.gs` what it is now. */
  complete(request: FastifyRequest, reply: FastifyReply, signedIn: SignedIn): void
  /** In the transaction: the session of this browser ends, by the will of its owner. */
  end(trx: Trx, request: FastifyRequest): Promise<Left>
  /** After the commit: the browser goes on with this anonymous session, or with a new one. */
  leave(request: FastifyRequest, reply: FastifyReply, ticket?: AnonymousTicket): void
}

export function createSignIn(loading: SessionLoading, makeRoom: MakeRoom): SignIn {
  const { hooks, cookies, data, keys, limits, replaced, ticketLimits } = loading
  const forget = (request: FastifyRequest) => {
    const { token, ticket } = cookies.read(request.headers.cookie)
    for (const value of [token, ticket]) if (value !== null) replaced.note(value)
  }
  return {
    async start(trx, request, account, { method, ...terms }) {
      const { fresh } = visitState(request.gs)
      if (fresh) await hooks.start(request)
      await hooks.beforeLogin({ account: publicAccount(account), method, remember: terms.remember, ip: request.ip, request })

      const now = loading.now()
      const former = request.gs.account === null ? null : request.gs.session.id
      const ended = await makeRoom(trx, account, former)
      const session = await createSession(
        trx,
        {
          accountId: account.id,
          ip: request.ip,
          userAgent: request.headers['user-agent'] ?? '',
          referer: request.gs.client.referer,
          now,
          ...terms
        },
        limits
      )
      await data.carryOnLogin(trx, { from: carrySourceOf(request.gs, account.id), to: session.id })
      if (former !== null) ended.push(...(await endSession(trx, former, 'login')))
      await recordLogin(trx, account.id, now)
      const upgrade = { method, formerSessionId: fresh ? null : request.gs.session.id }
      return { ...session, account, createdAt: now, ...terms, ended, upgrade }
    },
    async renew(trx, request, account, { forgotAt }) {
      const { session } = request.gs
      const token = await renewToken(trx, session.id, { forgotAt, now: loading.now() })
      if (token === null) return null
      return {
        token,
        account,
        id: session.id,
        createdAt: session.createdAt,
        expiresAt: visitState(request.gs).end,
        remember: session.remember,
        forgotAt,
        ended: [],
        upgrade: null
      }
    },
    complete(request, reply, signedIn) {
      const now = loading.now()
      forget(request)
      cookies.writeToken(reply, signedIn.token, signedIn.remember ? Math.floor((signedIn.expiresAt - now) / 1000) : undefined)
      request.gs = accountVisit(
        keys,
        {
          ...signedIn,
          account: publicAccount(signedIn.account),
          tokenHash: digest(signedIn.token),
          former: false,
          lastActiveAt: now,
          level: signedIn.account.level,
          sectors: signedIn.account.sectors,
          tokenAt: now,
          tokenUnused: false,
          referer: request.gs.client.referer
        },
        limits,
        request,
        now
      )
    },
    async end(trx, request) {
      const { id } = request.gs.session
      const ticket = newTicket(loading.now())
      await data.carryOnLogout(trx, { from: id, to: ownerOfTicket(ticket, ticketLimits, request.ip) })
      return { ended: await endSession(trx, id, 'logout'), ticket }
    },
    leave(request, reply, ticket) {
      const now = loading.now()
      forget(request)
      request.gs = anonymousVisit(keys, ticket ?? newTicket(now), true, ticketLimits, request, now)
      cookies.writeTicket(reply, signTicket(keys, visitState(request.gs).ticket!))
      noteTicketSent(request.gs)
      cookies.removeToken(reply)
    }
  }
}
