import type { FastifyRequest } from 'fastify'
import { lockAccount, type StoredAccount } from '../../accounts/accounts.ts'
import { issueLink, type Redemption, type VoidablePurpose } from '../../accounts/email-links.ts'
import { emailKey } from '../../accounts/identifiers.ts'
import type { Trx } from '../../database/database.ts'
import { gsError } from '../../errors.ts'
import type { LinkTargets } from '../../mail/messages.ts'
import type { Recipient } from '../../mail/outbox.ts'
import type { ResolvedOptions } from '../../options.ts'
import type { FlowServices } from './flow.ts'

/** Where mail for an account goes: always the stored address, never the typed one. Null: it has none. */
export function recipientOf(account: StoredAccount): Recipient | null {
  if (account.email === null) return null
  const key = emailKey(account.email)
  return key === null ? null : { value: account.email, key, language: account.language }
}

function lifetimeOf({ links, loginCodes }: ResolvedOptions, purpose: VoidablePurpose): number {
  if (purpose === 'login-code') return loginCodes!.life
  return purpose === 'forgot-password' ? links.forgotPassword : links.verifyEmail
}

/**
 * Issues a link and queues its mail, in the transaction; older links of the purpose are void. When the address has had enough mail for
 * now nothing happens, and the link that was sent last stays valid.
 *
 * @param targets where the page behind a lost-password link leads: checked paths
 * @param recipient whose mailbox the link proves, if it is not that of the account
 */
export async function mailLink(
  services: FlowServices,
  trx: Trx,
  request: FastifyRequest,
  account: StoredAccount,
  purpose: VoidablePurpose,
  targets: LinkTargets = {},
  recipient = recipientOf(account)
): Promise<void> {
  const { options, outbox, keys } = services
  if (recipient === null || account.configured) return
  // Counted one after the other, or simultaneous requests would all find room.
  const current = await lockAccount(trx, account.id)
  if (current === null || current.locked) return
  if (!(await outbox.allows(trx, purpose, recipient))) {
    request.log.warn({ gs: purpose, accountId: account.id }, 'no further mail to this address for now')
    return
  }
  const lifetime = lifetimeOf(options, purpose)
  const link = await issueLink(trx, keys, { purpose, accountId: account.id, email: recipient.value, now: options.now(), lifetime })
  await outbox.enqueue(trx, {
    kind: purpose,
    accountId: account.id,
    recipient,
    parameters: { username: account.username, ip: request.ip, lifetime, ...targets },
    linkId: link.id
  })
}

const refusals = { invalid: 'GS_LINK_INVALID', expired: 'GS_LINK_EXPIRED', used: 'GS_LINK_USED' } as const

/** @throws {GsError} `GS_LINK_…` */
export function requireRedeemed(redemption: Redemption): Redemption & { ok: true } {
  if (redemption.ok) return redemption
  throw gsError(refusals[redemption.reason], { field: 'token' })
}
