import type { FastifyInstance } from 'fastify'
import { deleteAccount as deleteRow } from '../accounts/accounts.ts'
import { DeleteAccountBody, gsPaths, SessionInfo } from '../api.ts'
import { gsError } from '../errors.ts'
import { endSessionsOf } from '../sessions/sessions.ts'
import { answer } from './shared/answer.ts'
import { requireCurrentPassword, requireOwnAccount } from './shared/current-password.ts'
import { recipientOf } from './shared/email-link.ts'
import { documented, rateLimited, sessionInfo, type FlowServices } from './shared/flow.ts'

/** Removes the account with its sessions, links and waiting mails. The password is asked for in the same request (ASVS 7.5.3). */
export function deleteAccount(app: FastifyInstance, services: FlowServices): void {
  const { database, events, outbox, signIn } = services
  app.post<{ Body: DeleteAccountBody }>(
    gsPaths.deleteAccount,
    {
      config: rateLimited(services, 'login'),
      schema: documented('Delete the account', { body: DeleteAccountBody, response: { 200: SessionInfo } })
    },
    async (request, reply) => {
      const account = await requireOwnAccount(services, request)
      await requireCurrentPassword(services, request, account, request.body.currentPassword)

      const ended = await database.transaction(async (trx) => {
        const ended = await endSessionsOf(trx, account.id, 'account-deleted')
        if (!(await deleteRow(trx, account.id, account.passwordHash))) throw gsError('GS_CONFLICT')
        const recipient = recipientOf(account)
        // An address that was never proved may be somebody else's: no farewell to it.
        if (recipient !== null && account.verified) {
          await outbox.enqueue(trx, { kind: 'account-deleted', accountId: null, recipient, parameters: { username: account.username } })
        }
        return ended
      })
      events.ended(ended)
      signIn.leave(request, reply)
      outbox.wake()
      request.log.info({ gs: 'delete-account', accountId: account.id, ip: request.ip }, 'account deleted')
      return answer(services, request, reply, { status: 200, body: sessionInfo(services, request), notice: 'deleted' })
    }
  )
}
