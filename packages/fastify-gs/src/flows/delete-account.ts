import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { deleteAccount as deleteRow, lockAccount } from '../accounts/accounts.ts'
import { AuthMask, satisfies } from '../accounts/auth-mask.ts'
import { DeleteAccountBody, gsPaths, SessionInfo } from '../api.ts'
import { gsError } from '../errors.ts'
import { enqueueEvent } from '../mail/account-events.ts'
import { endSessionsOf, isAlive } from '../sessions/sessions.ts'
import { answer } from './shared/answer.ts'
import { requireCurrentPassword, requireOwnAccount } from './shared/current-password.ts'
import { recipientOf } from './shared/email-link.ts'
import { onceMoreOnConflict } from './shared/on-conflict.ts'
import { documented, leaveSession, rateLimited, sessionInfo, type FlowServices } from './shared/flow.ts'

export interface AccountDeletionFields {
  /** Not needed while bit 3 of the mask is set: its owner could set a new one first. */
  readonly currentPassword?: string | undefined
}

/**
 * Removes the visitor's own account with its sessions, links and waiting mails. The password is asked for in the same request (ASVS 7.5.3).
 *
 * @throws {GsError} `GS_NOT_LOGGED_IN`, `GS_CONFIGURED_ADMIN`, `GS_CURRENT_PASSWORD_REQUIRED`, `GS_CURRENT_PASSWORD`,
 * `GS_TOO_MANY_ATTEMPTS`, `GS_PASSWORD_DISABLED`, `GS_CONFLICT`
 */
export type AccountDeletion = (request: FastifyRequest, reply: FastifyReply, fields: AccountDeletionFields) => Promise<void>

export function createAccountDeletion(services: FlowServices): AccountDeletion {
  const { database, options, outbox, throttle } = services
  const tryOnce: AccountDeletion = async (request, reply, { currentPassword }) => {
    const account = await requireOwnAccount(services, request, true)
    if (currentPassword !== undefined) await requireCurrentPassword(services, request, account, currentPassword)
    else if (!satisfies(request.gs.mask, AuthMask.forgot)) throw gsError('GS_CURRENT_PASSWORD_REQUIRED', { field: 'currentPassword' })

    const ended = await database.transaction(async (trx) => {
      const current = await lockAccount(trx, account.id)
      // Asked again: while the body came, or the password was checked, the owner may have taken his account back.
      if (current === null || current.locked || !(await isAlive(trx, request.gs.session.id))) throw gsError('GS_NOT_LOGGED_IN')
      const ended = await endSessionsOf(trx, account.id, 'account-deleted')
      if (!(await deleteRow(trx, account.id, account.passwordHash))) throw gsError('GS_CONFLICT')
      await throttle.forgive(trx, account.id)
      await enqueueEvent(trx, 'accountDeleted', account, options.now(), 'owner')
      const recipient = recipientOf(account)
      // An address that was never proved may be somebody else's: no farewell to it.
      if (recipient !== null && account.verified) {
        await outbox.enqueue(trx, { kind: 'account-deleted', accountId: null, recipient, parameters: { username: account.username } })
      }
      return ended
    })
    leaveSession(services, request, reply, ended)
    outbox.wake()
    request.log.info({ gs: 'delete-account', accountId: account.id, ip: request.ip }, 'account deleted')
  }
  return (request, reply, fields) => onceMoreOnConflict(() => tryOnce(request, reply, fields))
}

/** Delete the account; the password is always asked for. */
export function deleteAccount(app: FastifyInstance, services: FlowServices): void {
  const remove = createAccountDeletion(services)
  app.post<{ Body: DeleteAccountBody }>(
    gsPaths.deleteAccount,
    {
      config: rateLimited(services, 'login'),
      schema: documented('Delete the account', { body: DeleteAccountBody, response: { 200: SessionInfo } })
    },
    async (request, reply) => {
      await remove(request, reply, request.body)
      return answer(services, request, reply, { status: 200, body: sessionInfo(services, request), notice: 'deleted' })
    }
  )
}
