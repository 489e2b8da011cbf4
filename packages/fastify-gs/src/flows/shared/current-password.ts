import type { FastifyRequest } from 'fastify'
import { findAccountById, type StoredAccount } from '../../accounts/accounts.ts'
import { encodePassword } from '../../crypto/passwords.ts'
import { gsError } from '../../errors.ts'
import { requireAccount, type FlowServices } from './flow.ts'

/** The stored account of the visitor. @throws {GsError} `GS_NOT_LOGGED_IN`, `GS_CONFIGURED_ADMIN` */
export async function requireOwnAccount(services: FlowServices, request: FastifyRequest): Promise<StoredAccount> {
  const { account } = requireAccount(request)
  if (account.configured) throw gsError('GS_CONFIGURED_ADMIN')
  const stored = await findAccountById(services.database.db, account.id)
  if (stored === null || stored.locked) throw gsError('GS_NOT_LOGGED_IN')
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
  const right = await services.throttle.attempt(account.id, request.ip, () => services.passwords.verify(password, account.passwordHash))
  if (right) return
  request.log.info({ gs: 'current-password', outcome: 'refused', accountId: account.id, ip: request.ip }, 'current password refused')
  throw gsError('GS_CURRENT_PASSWORD', { field: 'currentPassword' })
}
