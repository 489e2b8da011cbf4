import type { FastifyInstance, FastifyRequest } from 'fastify'
import { findAccountByUsername, findAccountByVerifiedEmail, insertAccount, type StoredAccount } from '../accounts/accounts.ts'
import { AuthLevel } from '../accounts/auth-level.ts'
import { checkEmail, checkUsername } from '../accounts/identifiers.ts'
import { Accepted, gsPaths, RegisterBody } from '../api.ts'
import { createId } from '../crypto/tokens.ts'
import { gsError } from '../errors.ts'
import { enqueueEvent } from '../mail/account-events.ts'
import { wantedLanguage } from '../sessions/client-facts.ts'
import { answer } from './shared/answer.ts'
import { mailLink, recipientOf } from './shared/email-link.ts'
import { documented, rateLimited, type FlowServices } from './shared/flow.ts'
import { checkLanguage } from './shared/language.ts'
import { encodeNewPassword } from './shared/new-password.ts'

export interface RegistrationFields {
  readonly username: string
  readonly email: string
  /** Left out: the account has none, and its owner logs in with codes by mail; needs the option `loginCodes`. */
  readonly password?: string | undefined
  /** Of the account, a BCP 47 tag. Default: what the browser asks for. */
  readonly language?: string | undefined
}

/**
 * Signs up. The answer, the row and the work are the same whether or not the address is known (EN-04): an address belongs to whoever
 * proves it, so a second account may claim it and can never be verified; its owner is told by mail. Unverified accounts go after a day.
 *
 * @throws {GsError} `GS_BODY_INVALID` (a password is needed), `GS_USERNAME_INVALID`, `GS_USERNAME_TAKEN`, `GS_EMAIL_INVALID`, `GS_PASSWORD_WEAK`, `GS_PASSWORD_INVALID`
 */
export type Registration = (request: FastifyRequest, fields: RegistrationFields) => Promise<void>

export function createRegistration(services: FlowServices): Registration {
  const { database, options, outbox, passwords, site } = services
  const passwordOf = ({ password }: RegistrationFields, owner: { username: string; email: string }) => {
    if (password !== undefined) return encodeNewPassword(services, password, owner)
    if (options.loginCodes === null) throw gsError('GS_BODY_INVALID', { field: 'password', reason: 'password is missing.' })
    return null
  }
  return async (request, fields) => {
    const username = checkUsername(fields.username, options.reservedNames)
    const email = checkEmail(fields.email)
    const password = passwordOf(fields, { username: username.value, email: email.value })
    const language = fields.language === undefined ? wantedLanguage(site, request.headers) : checkLanguage(fields.language)
    const taken = () => gsError('GS_USERNAME_TAKEN', { field: 'username' })
    if ((await findAccountByUsername(database.db, username.key)) !== null) throw taken()

    const passwordHash = password === null ? '' : await passwords.hash(password)
    const account: StoredAccount = {
      id: createId(),
      username: username.value,
      email: email.value,
      verified: false,
      admin: false,
      configured: false,
      language,
      mustChangePassword: false,
      locked: false,
      passwordHash,
      level: AuthLevel.user,
      sectors: 0
    }
    await database.transaction(async (trx) => {
      if (!(await insertAccount(trx, { id: account.id, username, email, passwordHash, createdAt: options.now(), language }))) throw taken()
      await enqueueEvent(trx, 'accountCreated', account, options.now())
      const owner = await findAccountByVerifiedEmail(trx, email.key)
      if (owner === null) return mailLink(services, trx, request, account, 'verify-email')
      const recipient = recipientOf(owner)
      if (recipient !== null && (await outbox.allows(trx, 'already-registered', recipient))) {
        await outbox.enqueue(trx, {
          kind: 'already-registered',
          accountId: owner.id,
          recipient,
          parameters: { username: owner.username, ip: request.ip }
        })
      }
    })
    outbox.wake()
    request.log.info({ gs: 'register', accountId: account.id, ip: request.ip }, 'account registered')
  }
}

/** Sign up. */
export function register(app: FastifyInstance, services: FlowServices): void {
  const signUp = createRegistration(services)
  app.post<{ Body: RegisterBody }>(
    gsPaths.register,
    {
      config: rateLimited(services, 'register'),
      schema: documented('Sign up', { body: RegisterBody, response: { 202: Accepted } })
    },
    async (request, reply) => {
      await signUp(request, request.body)
      return answer(services, request, reply, { status: 202, body: { ok: true }, notice: 'registered' })
    }
  )
}
