import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import {
  findAccountById,
  findAccountByVerifiedEmail,
  lockAccount,
  replacePasswordHash,
  setVerifiedEmail,
  type StoredAccount
} from '../accounts/accounts.ts'
import { issueLink, redeemLink, voidLinks, voidUndoLinks } from '../accounts/email-links.ts'
import { checkEmail, type Identifier } from '../accounts/identifiers.ts'
import { Accepted, ChangeEmailBody, gsPaths, SessionInfo, TokenBody } from '../api.ts'
import { commitAnyway, type Trx } from '../database/database.ts'
import { gsError } from '../errors.ts'
import { enqueueEvent } from '../mail/account-events.ts'
import { endSessionsOf, isAlive } from '../sessions/sessions.ts'
import { visitState } from '../sessions/visit.ts'
import { answer } from './shared/answer.ts'
import { requireCurrentPassword, requireOwnAccount } from './shared/current-password.ts'
import { mailLink, recipientOf, requireRedeemed } from './shared/email-link.ts'
import { evenTime } from './shared/even-time.ts'
import { completeSignIn, documented, rateLimited, sessionInfo, type FlowServices } from './shared/flow.ts'
import { onceMoreOnConflict } from './shared/on-conflict.ts'

export interface EmailChangeFields {
  readonly email: string
  readonly currentPassword: string
}

/** Another e-mail address for an account: asked for by its owner, confirmed from the new mailbox, and for a week undone from the former. */
export interface EmailChange {
  /**
   * Mails a link to the new address; nothing else changes. If another account has proved the address, its owner is told instead. Answer, time
   * and what becomes of an older link are the same in both cases (EN-07).
   *
   * @throws {GsError} `GS_NOT_LOGGED_IN`, `GS_CONFIGURED_ADMIN`, `GS_EMAIL_INVALID`, `GS_EMAIL_SAME`, `GS_CURRENT_PASSWORD`,
   * `GS_TOO_MANY_ATTEMPTS`, `GS_PASSWORD_DISABLED`, `GS_CONFLICT`
   */
  readonly ask: (request: FastifyRequest, fields: EmailChangeFields) => Promise<void>
  /**
   * Redeems the link: the address that it was mailed to is that of the account. Nobody is logged in by it: whoever asked for the change could
   * lure somebody else into his account. The former address, if it was proved, gets a mail with a link that undoes the change. Somebody who is
   * logged in as another account stays so: then the answer is `other`.
   *
   * @throws {GsError} `GS_LINK_…`, `GS_EMAIL_TAKEN`, `GS_ACCOUNT_LOCKED`, `GS_PASSWORD_CHANGE_REQUIRED`
   */
  readonly confirm: (request: FastifyRequest, reply: FastifyReply, token: string) => Promise<'emailchanged' | 'other'>
  /**
   * Redeems the link in the mail to a former address: it is that of the account again. Whoever changed it knew the password, so that is off
   * and all sessions end; the visitor is logged in and may set a new one without it for 300 s, later by "forgot password".
   *
   * @throws {GsError} `GS_LINK_…`, `GS_EMAIL_TAKEN`, `GS_ACCOUNT_LOCKED`
   */
  readonly undo: (request: FastifyRequest, reply: FastifyReply, token: string) => Promise<void>
}

function requireOther(account: StoredAccount, email: Identifier): void {
  if (recipientOf(account)?.key === email.key) throw gsError('GS_EMAIL_SAME', { field: 'email' })
}

/** The account of a redeemed link, kept as it is until the transaction ends. */
async function requireOpenAccount(trx: Trx, id: string): Promise<StoredAccount> {
  const account = await lockAccount(trx, id)
  if (account === null) throw gsError('GS_LINK_INVALID', { field: 'token' })
  if (account.locked) throw gsError('GS_ACCOUNT_LOCKED')
  return account
}

export function createEmailChange(services: FlowServices): EmailChange {
  const { database, events, keys, options, outbox, signIn, throttle } = services

  const askOnce: EmailChange['ask'] = async (request, { email: typed, currentPassword }) => {
    const account = await requireOwnAccount(services, request)
    const email = checkEmail(typed)
    requireOther(account, email)
    await requireCurrentPassword(services, request, account, currentPassword)
    await evenTime(() =>
      database.transaction(async (trx) => {
        await commitAnyway(trx)
        const current = await lockAccount(trx, account.id)
        // Asked again: while the password was checked the owner may have taken his account back.
        if (current === null || current.locked || !(await isAlive(trx, request.gs.session.id))) throw gsError('GS_NOT_LOGGED_IN')
        if (current.passwordHash !== account.passwordHash) throw gsError('GS_CONFLICT')
        requireOther(current, email)
        const owner = await findAccountByVerifiedEmail(trx, email.key)
        if (owner === null) return mailLink(services, trx, request, current, 'change-email', {}, { ...email, language: current.language })
        if (!(await outbox.allows(trx, 'email-in-use', email))) return
        // As a new link would: or the fate of the older one told whether the address belongs to somebody.
        await voidLinks(trx, current.id, options.now(), 'change-email')
        const recipient = recipientOf(owner)!
        const parameters = { username: owner.username, ip: request.ip }
        await outbox.enqueue(trx, { kind: 'email-in-use', accountId: owner.id, recipient, parameters })
      })
    )
    outbox.wake()
    request.log.info({ gs: 'change-email', outcome: 'asked', accountId: account.id, ip: request.ip }, 'another address asked for')
  }

  /** Tells the former address, if it was proved; a mistyped one may be somebody else's. */
  const mailUndoLink = async (trx: Trx, request: FastifyRequest, before: StoredAccount) => {
    const recipient = recipientOf(before)
    if (recipient === null) return
    const lifetime = options.links.undoEmail
    const link = await issueLink(trx, keys, {
      purpose: 'undo-email',
      accountId: before.id,
      email: recipient.value,
      now: options.now(),
      lifetime
    })
    const parameters = { username: before.username, ip: request.ip, lifetime }
    await outbox.enqueue(trx, { kind: 'email-changed', accountId: null, recipient, parameters, linkId: link.id })
  }

  return {
    ask: (request, fields) => onceMoreOnConflict(() => askOnce(request, fields)),

    async confirm(request, reply, token) {
      const now = options.now()
      const visitor = request.gs.account
      const { account, signedIn } = await database.transaction(async (trx) => {
        const { accountId, email } = requireRedeemed(await redeemLink(trx, 'change-email', token, now))
        const before = await requireOpenAccount(trx, accountId)
        // Somebody else may know the password, and have asked for it before that was noticed.
        if (before.mustChangePassword) throw gsError('GS_PASSWORD_CHANGE_REQUIRED')
        if (!(await setVerifiedEmail(trx, accountId, checkEmail(email)))) throw gsError('GS_EMAIL_TAKEN')
        // What was mailed to the former address lets nobody in any more (TK-10).
        await voidLinks(trx, accountId, now)
        const account = (await findAccountById(trx, accountId))!
        if (before.verified) await mailUndoLink(trx, request, before)
        await enqueueEvent(trx, before.verified ? 'accountEmailChanged' : 'accountVerified', account, now)
        if (visitor?.id !== accountId) return { account, signedIn: null }
        return { account, signedIn: await signIn.renew(trx, request, account, { forgotAt: visitState(request.gs).forgotAt }) }
      })
      if (signedIn !== null) await completeSignIn(services, request, reply, signedIn)
      outbox.wake()
      request.log.info({ gs: 'change-email', outcome: 'confirmed', accountId: account.id, ip: request.ip }, 'address changed')
      return visitor === null || visitor.id === account.id ? 'emailchanged' : 'other'
    },

    async undo(request, reply, token) {
      const now = options.now()
      const { signedIn, ended } = await database.transaction(async (trx) => {
        const { accountId, email, issuedAt } = requireRedeemed(await redeemLink(trx, 'undo-email', token, now))
        const before = await requireOpenAccount(trx, accountId)
        const former = checkEmail(email)
        if (!(await setVerifiedEmail(trx, accountId, former))) throw gsError('GS_EMAIL_TAKEN')
        await voidLinks(trx, accountId, now)
        // Those of whoever came later; not the one that leads back to somebody who was there before.
        await voidUndoLinks(trx, accountId, now, issuedAt)
        await replacePasswordHash(trx, accountId, '')
        await throttle.forgive(trx, accountId)
        const account = (await findAccountById(trx, accountId))!
        if (recipientOf(before)?.key !== former.key) await enqueueEvent(trx, 'accountEmailChanged', account, now)
        const ended = await endSessionsOf(trx, accountId, 'email-restored')
        return { ended, signedIn: await signIn.start(trx, request, account, { remember: false, forgotAt: now, method: 'undo-email' }) }
      })
      events.ended(ended)
      await completeSignIn(services, request, reply, signedIn)
      outbox.wake()
      const facts = { gs: 'undo-email', accountId: signedIn.account.id, ended: ended.length, ip: request.ip }
      request.log.info(facts, 'change of the address undone')
    }
  }
}

/** Ask for another e-mail address, confirm it, and undo the change. */
export function changeEmail(app: FastifyInstance, services: FlowServices): void {
  const { ask, confirm, undo } = createEmailChange(services)

  app.post<{ Body: ChangeEmailBody }>(
    gsPaths.changeEmail,
    {
      config: rateLimited(services, 'mail'),
      schema: documented('Ask for another e-mail address', { body: ChangeEmailBody, response: { 202: Accepted } })
    },
    async (request, reply) => {
      await ask(request, request.body)
      return answer(services, request, reply, { status: 202, body: { ok: true }, notice: 'emailsent' })
    }
  )

  app.post<{ Body: TokenBody }>(
    gsPaths.redeemChangeEmail,
    {
      config: rateLimited(services, 'link'),
      schema: documented('Confirm another e-mail address', { body: TokenBody, response: { 200: SessionInfo } })
    },
    async (request, reply) => {
      const notice = await confirm(request, reply, request.body.token)
      return answer(services, request, reply, { status: 200, body: sessionInfo(services, request), notice })
    }
  )

  app.post<{ Body: TokenBody }>(
    gsPaths.undoChangeEmail,
    {
      config: rateLimited(services, 'link'),
      schema: documented('Undo the change of the e-mail address', { body: TokenBody, response: { 200: SessionInfo } })
    },
    async (request, reply) => {
      await undo(request, reply, request.body.token)
      return answer(services, request, reply, { status: 200, body: sessionInfo(services, request), notice: 'emailrestored' })
    }
  )
}
