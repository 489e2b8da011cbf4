import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { findAccountById, findAccountByName, lockAccount, markVerified, replacePasswordHash } from '../accounts/accounts.ts'
import { redeemLink, voidLinks } from '../accounts/email-links.ts'
import { forgiveCodes } from '../accounts/login-codes.ts'
import { Accepted, ForgotPasswordBody, gsPaths, SessionInfo, TokenBody } from '../api.ts'
import { commitAnyway } from '../database/database.ts'
import { gsError } from '../errors.ts'
import { enqueueEvent } from '../mail/account-events.ts'
import type { SessionEndEvent } from '../hooks.ts'
import type { LinkTargets } from '../mail/messages.ts'
import { endSessionsOf } from '../sessions/sessions.ts'
import { answer } from './shared/answer.ts'
import { evenTime } from './shared/even-time.ts'
import { mailLink, requireRedeemed } from './shared/email-link.ts'
import { documented, completeSignIn, rateLimited, sessionInfo, type FlowServices } from './shared/flow.ts'

/** Lost password: a link by mail; redeemed, it logs in and allows a new password without the old one for 300 s. */
export interface ForgotPassword {
  /** Mails a link, if there is such an account; takes the same time if there is none (EN-03). */
  readonly ask: (request: FastifyRequest, name: string, targets?: LinkTargets) => Promise<void>
  /** Redeems the token of a link: all other sessions of the account end. @throws {GsError} `GS_LINK_…`, `GS_EMAIL_TAKEN`, `GS_ACCOUNT_LOCKED` */
  readonly redeem: (request: FastifyRequest, reply: FastifyReply, token: string) => Promise<void>
}

export function createForgotPassword(services: FlowServices): ForgotPassword {
  const { database, events, options, outbox, signIn, throttle } = services
  return {
    async ask(request, name, targets) {
      await evenTime(async () => {
        await database.transaction(async (trx) => {
          await commitAnyway(trx)
          const account = await findAccountByName(trx, name)
          if (account !== null) await mailLink(services, trx, request, account, 'forgot-password', targets)
        })
      })
      outbox.wake()
    },
    async redeem(request, reply, token) {
      const now = options.now()
      const { signedIn, ended } = await database.transaction(async (trx) => {
        const { accountId } = requireRedeemed(await redeemLink(trx, 'forgot-password', token, now))
        const before = await lockAccount(trx, accountId)
        if (before === null) throw gsError('GS_LINK_INVALID', { field: 'token' })
        if (before.locked) throw gsError('GS_ACCOUNT_LOCKED')
        if (!before.verified) {
          // The mailbox proves the address. Whoever chose the password before had not, so it ends here (pre-hijacking, TK-14).
          if (!(await markVerified(trx, accountId))) throw gsError('GS_EMAIL_TAKEN')
          await enqueueEvent(trx, 'accountVerified', before, now)
          await replacePasswordHash(trx, accountId, '')
        }
        await voidLinks(trx, accountId, now)
        await throttle.forgive(trx, accountId)
        await forgiveCodes(trx, accountId)
        const ended: SessionEndEvent[] = await endSessionsOf(trx, accountId, 'password-forgotten')
        const account = (await findAccountById(trx, accountId))!
        return { ended, signedIn: await signIn.start(trx, request, account, { remember: false, forgotAt: now, method: 'forgot-password' }) }
      })
      events.ended(ended)
      await completeSignIn(services, request, reply, signedIn)
      outbox.wake()
      request.log.info({ gs: 'forgot-password', accountId: signedIn.account.id, ip: request.ip }, 'lost-password link redeemed')
    }
  }
}

/** Ask for a link to set a new password, and redeem it. */
export function forgotPassword(app: FastifyInstance, services: FlowServices): void {
  const { ask, redeem } = createForgotPassword(services)

  app.post<{ Body: ForgotPasswordBody }>(
    gsPaths.forgotPassword,
    {
      config: rateLimited(services, 'mail'),
      schema: documented('Ask for a link to set a new password', { body: ForgotPasswordBody, response: { 202: Accepted } })
    },
    async (request, reply) => {
      const name = request.body.username ?? request.body.email
      if (name === undefined) throw gsError('GS_BODY_INVALID', { field: 'username', reason: 'username is missing.' })
      await ask(request, name)
      return answer(services, request, reply, { status: 202, body: { ok: true }, notice: 'sent' })
    }
  )

  app.post<{ Body: TokenBody }>(
    gsPaths.redeemForgotPassword,
    {
      config: rateLimited(services, 'link'),
      schema: documented('Redeem the link', { body: TokenBody, response: { 200: SessionInfo } })
    },
    async (request, reply) => {
      await redeem(request, reply, request.body.token)
      return answer(services, request, reply, { status: 200, body: sessionInfo(services, request), notice: 'forgot' })
    }
  )
}
