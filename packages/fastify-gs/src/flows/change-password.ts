import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { chooseNewPassword } from '../accounts/accounts.ts'
import { AuthMask, satisfies } from '../accounts/auth-mask.ts'
import { voidLinks } from '../accounts/email-links.ts'
import { ChangePasswordBody, gsPaths, SessionInfo } from '../api.ts'
import { gsError } from '../errors.ts'
import { endSessionsOf } from '../sessions/sessions.ts'
import { answer } from './shared/answer.ts'
import { requireCurrentPassword, requireOwnAccount } from './shared/current-password.ts'
import { recipientOf } from './shared/email-link.ts'
import { documented, completeSignIn, rateLimited, sessionInfo, type FlowServices } from './shared/flow.ts'
import { onceMoreOnConflict } from './shared/on-conflict.ts'
import { encodeNewPassword } from './shared/new-password.ts'

export interface PasswordChangeFields {
  /** Not needed while bit 3 of the mask is set. */
  readonly currentPassword?: string | undefined
  readonly password: string
}

/**
 * Sets a new password for the visitor's own account; all other sessions end. Within 300 s after a redeemed lost-password link the current
 * one is not needed, in that session only.
 *
 * @throws {GsError} `GS_NOT_LOGGED_IN`, `GS_CONFIGURED_ADMIN`, `GS_PASSWORD_WEAK`, `GS_PASSWORD_INVALID`,
 * `GS_CURRENT_PASSWORD_REQUIRED`, `GS_CURRENT_PASSWORD`, `GS_TOO_MANY_ATTEMPTS`, `GS_PASSWORD_DISABLED`, `GS_CONFLICT`
 */
export type PasswordChange = (request: FastifyRequest, reply: FastifyReply, fields: PasswordChangeFields) => Promise<void>

export function createPasswordChange(services: FlowServices): PasswordChange {
  const { database, events, options, outbox, passwords, signIn } = services
  const tryOnce: PasswordChange = async (request, reply, fields) => {
    const account = await requireOwnAccount(services, request, true)
    const password = encodeNewPassword(services, fields.password, account)
    if (!satisfies(request.gs.mask, AuthMask.forgot)) {
      const { currentPassword } = fields
      if (currentPassword === undefined) throw gsError('GS_CURRENT_PASSWORD_REQUIRED', { field: 'currentPassword' })
      await requireCurrentPassword(services, request, account, currentPassword)
    }
    // Who has to change it must not keep it. Nobody can ask by this what the password is: another one is set at once.
    if (account.mustChangePassword && (await passwords.verify(password, account.passwordHash)))
      throw gsError('GS_PASSWORD_WEAK', { field: 'password', reasonCode: 'reason.password.same' })

    const hash = await passwords.hash(password)
    const { signedIn, ended } = await database.transaction(async (trx) => {
      if (!(await chooseNewPassword(trx, account.id, hash, account))) throw gsError('GS_CONFLICT')
      const changed = { ...account, passwordHash: hash, mustChangePassword: false }
      const signedIn = await signIn.renew(trx, request, changed, { forgotAt: null })
      if (signedIn === null) throw gsError('GS_NOT_LOGGED_IN')
      const ended = await endSessionsOf(trx, account.id, 'password-changed', signedIn.id)
      await voidLinks(trx, account.id, options.now(), 'forgot-password', 'login-code', 'change-email')
      const recipient = recipientOf(account)
      if (recipient !== null) {
        const parameters = { username: account.username, ip: request.ip }
        await outbox.enqueue(trx, { kind: 'password-changed', accountId: null, recipient, parameters })
      }
      return { signedIn, ended }
    })
    events.ended(ended)
    await completeSignIn(services, request, reply, signedIn)
    outbox.wake()
    request.log.info({ gs: 'change-password', accountId: account.id, ended: ended.length, ip: request.ip }, 'password changed')
  }
  return (request, reply, fields) => onceMoreOnConflict(() => tryOnce(request, reply, fields))
}

/** Set a new password. */
export function changePassword(app: FastifyInstance, services: FlowServices): void {
  const change = createPasswordChange(services)
  app.post<{ Body: ChangePasswordBody }>(
    gsPaths.changePassword,
    {
      config: rateLimited(services, 'login'),
      schema: documented('Set a new password', { body: ChangePasswordBody, response: { 200: SessionInfo } })
    },
    async (request, reply) => {
      await change(request, reply, request.body)
      return answer(services, request, reply, { status: 200, body: sessionInfo(services, request), notice: 'changed' })
    }
  )
}
