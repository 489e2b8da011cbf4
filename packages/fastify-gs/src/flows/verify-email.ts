import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import {
  findAccountById,
  findAccountByVerifiedEmail,
  findUnverifiedAccountsByEmail,
  lockAccount,
  markVerified
} from '../accounts/accounts.ts'
import { redeemLink, voidLinks } from '../accounts/email-links.ts'
import { emailKey } from '../accounts/identifiers.ts'
import { Accepted, gsPaths, ResendBody, SessionInfo, TokenBody } from '../api.ts'
import { commitAnyway } from '../database/database.ts'
import { gsError } from '../errors.ts'
import { enqueueEvent } from '../mail/account-events.ts'
import { endSessionsOf } from '../sessions/sessions.ts'
import { visitState } from '../sessions/visit.ts'
import { answer } from './shared/answer.ts'
import { evenTime } from './shared/even-time.ts'
import { mailLink, requireRedeemed } from './shared/email-link.ts'
import { documented, completeSignIn, rateLimited, sessionInfo, type FlowServices } from './shared/flow.ts'

/** The proof of an e-mail address. */
export interface EmailVerification {
  /**
   * Redeems the link that was mailed to the address. Somebody who is not logged in is logged in as that account; somebody who is logged in
   * as another one stays who he is (TK-16): then the answer is `other`.
   *
   * @throws {GsError} `GS_LINK_…`, `GS_EMAIL_TAKEN`, `GS_ACCOUNT_LOCKED`
   */
  readonly verify: (request: FastifyRequest, reply: FastifyReply, token: string) => Promise<'verified' | 'other'>
  /** Mails the link again, if somebody waits for it; takes the same time if nobody does (EN-06). */
  readonly resend: (request: FastifyRequest, email: string) => Promise<void>
}

export function createEmailVerification(services: FlowServices): EmailVerification {
  const { database, events, options, outbox, signIn } = services
  return {
    async verify(request, reply, token) {
      const now = options.now()
      const { signedIn, accountId, ended } = await database.transaction(async (trx) => {
        const { accountId } = requireRedeemed(await redeemLink(trx, 'verify-email', token, now))
        const before = await lockAccount(trx, accountId)
        if (before?.locked === true) throw gsError('GS_ACCOUNT_LOCKED')
        if (!(await markVerified(trx, accountId))) throw gsError('GS_EMAIL_TAKEN')
        const account = await findAccountById(trx, accountId)
        if (account === null) throw gsError('GS_LINK_INVALID', { field: 'token' })
        if (before?.verified === false) await enqueueEvent(trx, 'accountVerified', account, now)
        const visitor = request.gs.account
        // Whoever logged in before the proof may have been somebody else, who signed up with this address; nor may he confirm a change to
        // one of his own that he has asked for.
        await voidLinks(trx, accountId, now, 'change-email')
        const ended = await endSessionsOf(trx, accountId, 'verified', visitor?.id === accountId ? request.gs.session.id : undefined)
        if (visitor === null)
          return {
            accountId,
            ended,
            signedIn: await signIn.start(trx, request, account, { remember: false, forgotAt: null, method: 'verify-email' })
          }
        if (visitor.id !== accountId) return { accountId, ended, signedIn: null }
        return { accountId, ended, signedIn: await signIn.renew(trx, request, account, { forgotAt: visitState(request.gs).forgotAt }) }
      })
      events.ended(ended)
      if (signedIn !== null) await completeSignIn(services, request, reply, signedIn)
      outbox.wake()
      request.log.info({ gs: 'verify-email', accountId, ip: request.ip }, 'address verified')
      return request.gs.account?.id === accountId ? 'verified' : 'other'
    },
    async resend(request, email) {
      const key = emailKey(email)
      await evenTime(async () => {
        if (key === null) return
        await database.transaction(async (trx) => {
          await commitAnyway(trx)
          if ((await findAccountByVerifiedEmail(trx, key)) !== null) return
          const claimants = await findUnverifiedAccountsByEmail(trx, key)
          // Of several claimants the one who asks from his session is meant; otherwise each mail names its account.
          const own = claimants.filter((account) => account.id === request.gs.account?.id)
          for (const account of own.length > 0 ? own : claimants) await mailLink(services, trx, request, account, 'verify-email')
        })
      })
      outbox.wake()
    }
  }
}

/** Confirm an e-mail address, and send the mail for it again. */
export function verifyEmail(app: FastifyInstance, services: FlowServices): void {
  const { verify, resend } = createEmailVerification(services)

  app.post<{ Body: TokenBody }>(
    gsPaths.verifyEmail,
    {
      config: rateLimited(services, 'link'),
      schema: documented('Confirm an e-mail address', { body: TokenBody, response: { 200: SessionInfo } })
    },
    async (request, reply) => {
      const notice = await verify(request, reply, request.body.token)
      return answer(services, request, reply, { status: 200, body: sessionInfo(services, request), notice })
    }
  )

  app.post<{ Body: ResendBody }>(
    gsPaths.resendVerification,
    {
      config: rateLimited(services, 'mail'),
      schema: documented('Send the confirmation mail again', { body: ResendBody, response: { 202: Accepted } })
    },
    async (request, reply) => {
      await resend(request, request.body.email)
      return answer(services, request, reply, { status: 202, body: { ok: true }, notice: 'sent' })
    }
  )
}
