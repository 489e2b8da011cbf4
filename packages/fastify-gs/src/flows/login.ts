import type { FastifyInstance, FastifyRequest } from 'fastify'
import { findAccountByName, lockAccount, replacePasswordHash, type StoredAccount } from '../accounts/accounts.ts'
import { emailKey, usernameKey } from '../accounts/identifiers.ts'
import { gsPaths, LoginBody, SessionInfo } from '../api.ts'
import { encodePassword } from '../crypto/passwords.ts'
import { gsError } from '../errors.ts'
import { answer } from './shared/answer.ts'
import { documented, completeSignIn, passwordHashOf, rateLimited, sessionInfo, type FlowServices } from './shared/flow.ts'

/** Log in with user name or e-mail address. Unknown names cost the same work and get the same answer as wrong passwords. */
export function login(app: FastifyInstance, services: FlowServices): void {
  const { database, passwords, throttle, signIn } = services

  /** Brings an old hash to the current parameters; the visitor does not wait for it. */
  const rehash = (request: FastifyRequest, account: StoredAccount, password: Buffer) => {
    if (account.configured || !passwords.needsRehash(account.passwordHash)) return
    passwords
      .hash(password)
      .then((hash) => database.transaction((trx) => replacePasswordHash(trx, account.id, hash, account.passwordHash)))
      .catch((error: unknown) => request.log.warn({ err: error, accountId: account.id }, 'the password hash could not be renewed'))
  }

  app.post<{ Body: LoginBody }>(
    gsPaths.login,
    {
      config: rateLimited(services, 'login'),
      schema: documented('Log in', { body: LoginBody, response: { 200: SessionInfo } })
    },
    async (request, reply) => {
      const { username, remember = false } = request.body
      const password = encodePassword(request.body.password)
      const found = await findAccountByName(database.db, username)
      const hash = passwordHashOf(services, found)
      // Counted by the same canonical form as a known name, or the spelling would tell them apart.
      const subject = found?.id ?? `unknown:${emailKey(username) ?? usernameKey(username) ?? username}`
      const right = await throttle.attempt(subject, request.ip, () => passwords.verify(password, hash), found?.configured === true)
      if (found === null || !right) {
        request.log.info({ gs: 'login', outcome: 'refused', accountId: found?.id, ip: request.ip }, 'login refused')
        throw gsError('GS_CREDENTIALS', { field: 'password' })
      }

      const signedIn = await database.transaction(async (trx) => {
        // Asked again: it may have been deleted, or got another password, while the hash was computed.
        const account = await lockAccount(trx, found.id)
        if (account === null || account.passwordHash !== found.passwordHash) throw gsError('GS_CREDENTIALS', { field: 'password' })
        return signIn.start(trx, request, account, { remember, forgotAt: null })
      })
      completeSignIn(services, request, reply, signedIn)
      rehash(request, found, password)
      request.log.info({ gs: 'login', outcome: 'success', accountId: found.id, sessionId: signedIn.id, ip: request.ip }, 'logged in')
      return answer(services, request, reply, { status: 200, body: sessionInfo(services, request), notice: 'loggedin' })
    }
  )
}
