import type { FastifyRequest } from 'fastify'
import { findAccountById, type StoredAccount } from '../../accounts/accounts.ts'
import { encodePassword } from '../../crypto/passwords.ts'
import { gsError } from '../../errors.ts'
import { checkPassword } from './check-password.ts'
import { requireLogin, type FlowServices } from './flow.ts'

/**
 * The stored account of the visitor.
 *
 * @param always whether this is open also to who has to choose a new password first
 * @throws {GsError} `GS_NOT_LOGGED_IN`, `GS_CONFIGURED_ADMIN`, `GS_PASSWORD_CHANGE_REQUIRED`
 */
export async function requireOwnAccount(services: FlowServices, request: FastifyRequest, always = false): Promise<StoredAccount> {
  const { account } = requireLogin(request)
  if (account.configured) throw gsError('GS_CONFIGURED_ADMIN')
  const stored = await findAccountById(services.database.db, account.id)
  if (stored === null || stored.locked) throw gsError('GS_NOT_LOGGED_IN')
  if (stored.mustChangePassword && !always) throw gsError('GS_PASSWORD_CHANGE_REQUIRED')
  return stored
}

/** Asks for the password again; wrong ones count like failed logins (ASVS 6.2.3). @throws {GsError} `GS_CURRENT_PASSWORD` */
export async function requireCurrentPassword(
  services: FlowServices,
  request: FastifyRequest,
  account: StoredAccount,
  typed: string
): Promise<void> {
  const password = encodePassword(typed, 'currentPassword')
  if (await checkPassword(services, request, { account, subject: account.id, password })) return
  request.log.info({ gs: 'current-password', outcome: 'refused', accountId: account.id, ip: request.ip }, 'current password refused')
  throw gsError('GS_CURRENT_PASSWORD', { field: 'currentPassword' })
}
