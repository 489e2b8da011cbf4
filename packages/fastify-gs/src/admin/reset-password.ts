import { replacePasswordHash } from '../accounts/accounts.ts'
import { issueLink, voidLinks } from '../accounts/email-links.ts'
import { gsError } from '../errors.ts'
import type { FlowServices } from '../flows/shared/flow.ts'
import { recipientOf } from '../flows/shared/email-link.ts'
import { endSessionsOf } from '../sessions/sessions.ts'
import { requireChangeable } from './actor.ts'
import type { AdminServices } from './services.ts'

/**
 * Makes the password of an account void, ends its sessions and mails a link to set a new one: an admin can begin this, the owner of the
 * mailbox chooses (ASVS 6.4.6). An address that is not proved yet is proved by that link, as with "Forgot password". Says whether the mail
 * was queued: an address gets only so many of them in an hour.
 *
 * @throws {GsError} `GS_ACCOUNT_LOCKED`: links open nothing while it is; and as `requireChangeable`
 */
export async function resetPassword(services: FlowServices, { actor, audited, ended }: AdminServices, id: string): Promise<boolean> {
  const { keys, options, outbox } = services
  const now = options.now()
  const { events, mailed } = await audited(async (trx, record) => {
    const account = await requireChangeable(trx, actor, id)
    if (account.locked) throw gsError('GS_ACCOUNT_LOCKED')
    await replacePasswordHash(trx, id, '')
    // Somebody else may have asked for it.
    await voidLinks(trx, id, now, 'login-code', 'change-email')
    const events = await endSessionsOf(trx, id, 'password-changed')
    const recipient = recipientOf(account)
    const mailed = recipient !== null && (await outbox.allows(trx, 'forgot-password', recipient))
    if (mailed) {
      const lifetime = options.links.forgotPassword
      const link = await issueLink(trx, keys, { purpose: 'forgot-password', accountId: id, email: recipient.value, now, lifetime })
      await outbox.enqueue(trx, {
        kind: 'forgot-password',
        accountId: id,
        recipient,
        parameters: { username: account.username, ip: '', lifetime, byAdmin: true },
        linkId: link.id
      })
    }
    await record({ action: 'reset-password', accountId: id, details: { sessions: events.length, mailed } })
    return { events, mailed }
  })
  ended(events)
  return mailed
}
