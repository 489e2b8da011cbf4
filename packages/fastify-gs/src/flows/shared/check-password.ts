import type { FastifyRequest } from 'fastify'
import { lockAccount, type StoredAccount } from '../../accounts/accounts.ts'
import { issueLink } from '../../accounts/email-links.ts'
import type { Trx } from '../../database/database.ts'
import { recipientOf } from './email-link.ts'
import { passwordHashOf, type FlowServices } from './flow.ts'

/** Life of the link that switches a password on again, ms. */
const lifetime = 86_400_000

/** Mails the owner a link that switches the password on again, to an address that was proved; in the transaction. */
async function mailPasswordOff({ keys, options, outbox }: FlowServices, trx: Trx, accountId: string): Promise<void> {
  const account = await lockAccount(trx, accountId)
  if (account === null || account.locked || account.configured || !account.verified) return
  const recipient = recipientOf(account)
  if (recipient === null || !(await outbox.allows(trx, 'password-off', recipient))) return
  const { id } = await issueLink(trx, keys, {
    purpose: 'forgot-password',
    accountId,
    email: recipient.value,
    now: options.now(),
    lifetime
  })
  const parameters = { username: account.username, lifetime }
  await outbox.enqueue(trx, { kind: 'password-off', accountId, recipient, parameters, linkId: id })
}

/**
 * Whether the password is that of the account, counted where all wrong passwords of the account are (ASVS 6.2.3): those of browsers that
 * are known for it apart from those of strangers.
 *
 * @param account null: nobody has the name; then `subject` is `unknownSubject()` of it
 * @throws {GsError} `GS_TOO_MANY_ATTEMPTS`, `GS_PASSWORD_DISABLED`, `GS_BUSY`
 */
export async function checkPassword(
  services: FlowServices,
  request: FastifyRequest,
  { account, subject, password }: { account: StoredAccount | null; subject: string; password: Buffer }
): Promise<boolean> {
  const { knownBrowsers, outbox, passwords, throttle } = services
  const hash = passwordHashOf(services, account)
  const from = { ip: request.ip, known: knownBrowsers.find(request, subject) }
  let told = false
  const tellOwner = async (trx: Trx) => {
    if (account === null) return
    await mailPasswordOff(services, trx, account.id)
    request.log.warn({ gs: 'password-off', accountId: account.id, ip: request.ip }, 'too many wrong passwords: the password is off')
    told = true
  }
  try {
    return await throttle.attempt(subject, from, () => passwords.verify(password, hash), {
      stays: account?.configured === true,
      tellOwner
    })
  } finally {
    if (told) outbox.wake()
  }
}
