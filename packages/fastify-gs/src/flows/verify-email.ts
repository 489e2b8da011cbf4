import type { FastifyInstance } from 'fastify'
import {
  findAccountById,
  findAccountByVerifiedEmail,
  findUnverifiedAccountsByEmail,
  lockAccount,
  markVerified
} from '../accounts/accounts.ts'
import { redeemLink } from '../accounts/email-links.ts'
import { emailKey } from '../accounts/identifiers.ts'
import { Accepted, gsPaths, ResendBody, SessionInfo, TokenBody } from '../api.ts'
import { commitAnyway } from '../database/database.ts'
import { gsError } from '../errors.ts'
import { endSessionsOf } from '../sessions/sessions.ts'
import { visitState } from '../sessions/visit.ts'
import { answer } from './shared/answer.ts'
import { evenTime } from './shared/even-time.ts'
import { mailLink, requireRedeemed } from './shared/email-link.ts'
import { documented, completeSignIn, rateLimited, sessionInfo, type FlowServices } from './shared/flow.ts'
import { linkPage } from './shared/link-page.ts'

/**
 * Proves an e-mail address by the link that was mailed to it. Somebody who is not logged in is logged in as that account; somebody who
 * is logged in as another one stays who he is (TK-16).
 */
export function verifyEmail(app: FastifyInstance, services: FlowServices): void {
  const { database, events, options, outbox, signIn } = services

  linkPage(app, services, {
    path: gsPaths.verifyEmailPage,
    action: gsPaths.verifyEmail,
    title: 'Confirm your e-mail address',
    text: 'One click and your address is confirmed.',
    button: 'Confirm my address'
  })

  app.post<{ Body: TokenBody }>(
    gsPaths.verifyEmail,
    {
      config: rateLimited(services, 'link'),
      schema: documented('Confirm an e-mail address', { body: TokenBody, response: { 200: SessionInfo } })
    },
    async (request, reply) => {
      const now = options.now()
      const { signedIn, accountId, ended } = await database.transaction(async (trx) => {
        const { accountId } = requireRedeemed(await redeemLink(trx, 'verify-email', request.body.token, now))
        await lockAccount(trx, accountId)
        if (!(await markVerified(trx, accountId))) throw gsError('GS_EMAIL_TAKEN')
        const account = await findAccountById(trx, accountId)
        if (account === null) throw gsError('GS_LINK_INVALID', { field: 'token' })
        const visitor = request.gs.account
        // Whoever logged in before the proof may have been somebody else, who signed up with this address.
        const ended = await endSessionsOf(trx, accountId, 'verified', visitor?.id === accountId ? request.gs.session.id : undefined)
        if (visitor === null)
          return { accountId, ended, signedIn: await signIn.start(trx, request, account, { remember: false, forgotAt: null }) }
        if (visitor.id !== accountId) return { accountId, ended, signedIn: null }
        return { accountId, ended, signedIn: await signIn.renew(trx, request, account, { forgotAt: visitState(request.gs).forgotAt }) }
      })
      events.ended(ended)
      if (signedIn !== null) completeSignIn(services, request, reply, signedIn)
      request.log.info({ gs: 'verify-email', accountId, ip: request.ip }, 'address verified')
      const notice = request.gs.account?.id === accountId ? 'verified' : 'other'
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
      const key = emailKey(request.body.email)
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
      return answer(services, request, reply, { status: 202, body: { ok: true }, notice: 'sent' })
    }
  )
}
