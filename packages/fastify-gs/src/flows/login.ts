import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { findAccountByName, lockAccount, replacePasswordHash, type StoredAccount } from '../accounts/accounts.ts'
import { emailKey, usernameKey } from '../accounts/identifiers.ts'
import { unknownSubject } from '../accounts/throttle.ts'
import { gsPaths, LoginBody, SessionInfo } from '../api.ts'
import { encodePassword } from '../crypto/passwords.ts'
import { gsError } from '../errors.ts'
import { answer } from './shared/answer.ts'
import { checkPassword } from './shared/check-password.ts'
import { documented, completeSignIn, rateLimited, sessionInfo, type FlowServices } from './shared/flow.ts'

export interface LoginFields {
  /** User name or e-mail address. */
  readonly username: string
  readonly password: string
  /** Whether the session outlives the browser. */
  readonly remember: boolean
}

/**
 * Logs in: the browser gets a new session. Unknown names cost the same work and get the same answer as wrong passwords. A refusal leaves
 * the browser's session as it is.
 *
 * @throws {GsError} `GS_CREDENTIALS`, `GS_ACCOUNT_LOCKED` (only with the right password), `GS_TOO_MANY_ATTEMPTS`, `GS_PASSWORD_DISABLED`
 */
export type Login = (request: FastifyRequest, reply: FastifyReply, fields: LoginFields) => Promise<void>

export function createLogin(services: FlowServices): Login {
  const { database, passwords, signIn } = services

  /** Brings an old hash to the current parameters; the visitor does not wait for it. */
  const rehash = (request: FastifyRequest, account: StoredAccount, password: Buffer) => {
    if (account.configured || !passwords.needsRehash(account.passwordHash)) return
    passwords
      .hash(password)
      .then((hash) => database.transaction((trx) => replacePasswordHash(trx, account.id, hash, account.passwordHash)))
      .catch((error: unknown) => request.log.warn({ err: error, accountId: account.id }, 'the password hash could not be renewed'))
  }

  /** False: the password was replaced while it was checked; perhaps another login has renewed its hash. */
  const tryOnce = async (request: FastifyRequest, reply: FastifyReply, { username, password: typed, remember }: LoginFields) => {
    const password = encodePassword(typed)
    const found = await findAccountByName(database.db, username)
    // Counted by the same canonical form as a known name, or the spelling would tell them apart.
    const subject = found?.id ?? unknownSubject(emailKey(username) ?? usernameKey(username) ?? username)
    const right = await checkPassword(services, request, { account: found, subject, password })
    if (found === null || !right) {
      request.log.info({ gs: 'login', outcome: 'refused', accountId: found?.id, ip: request.ip }, 'login refused')
      throw gsError('GS_CREDENTIALS', { field: 'password' })
    }

    const signedIn = await database.transaction(async (trx) => {
      // Asked again: it may have been deleted, or got another password, while the hash was computed.
      const account = await lockAccount(trx, found.id)
      if (account === null || account.passwordHash !== found.passwordHash) return null
      if (account.locked) throw gsError('GS_ACCOUNT_LOCKED')
      return signIn.start(trx, request, account, { remember, forgotAt: null, method: 'password' })
    })
    if (signedIn === null) return false
    await completeSignIn(services, request, reply, signedIn)
    rehash(request, found, password)
    request.log.info({ gs: 'login', outcome: 'success', accountId: found.id, sessionId: signedIn.id, ip: request.ip }, 'logged in')
    return true
  }

  return async (request, reply, fields) => {
    if ((await tryOnce(request, reply, fields)) || (await tryOnce(request, reply, fields))) return
    throw gsError('GS_CREDENTIALS', { field: 'password' })
  }
}

/** Log in with user name or e-mail address. */
export function login(app: FastifyInstance, services: FlowServices): void {
  const logIn = createLogin(services)
  app.post<{ Body: LoginBody }>(
    gsPaths.login,
    {
      config: rateLimited(services, 'login'),
      schema: documented('Log in', { body: LoginBody, response: { 200: SessionInfo } })
    },
    async (request, reply) => {
      const { username, password, remember = false } = request.body
      await logIn(request, reply, { username, password, remember })
      return answer(services, request, reply, { status: 200, body: sessionInfo(services, request), notice: 'loggedin' })
    }
  )
}
