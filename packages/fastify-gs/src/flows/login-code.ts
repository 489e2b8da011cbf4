import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { findAccountById, findAccountByName, lockAccount, markVerified, replacePasswordHash } from '../accounts/accounts.ts'
import { voidLinks } from '../accounts/email-links.ts'
import { forgiveCodes, mayGetCode, redeemCode } from '../accounts/login-codes.ts'
import { Accepted, gsPaths, LoginCodeBody, RedeemLoginCodeBody, SessionInfo } from '../api.ts'
import { commitAnyway, type Trx } from '../database/database.ts'
import { gsError } from '../errors.ts'
import type { SessionEndEvent } from '../hooks.ts'
import { enqueueEvent } from '../mail/account-events.ts'
import { endSessionsOf } from '../sessions/sessions.ts'
import type { SignedIn } from '../sessions/sign-in.ts'
import { answer } from './shared/answer.ts'
import { mailLink } from './shared/email-link.ts'
import { evenTime } from './shared/even-time.ts'
import { completeSignIn, documented, rateLimited, sessionInfo, type FlowServices } from './shared/flow.ts'

export interface LoginCodeFields {
  /** User name or e-mail address. */
  readonly username: string
  readonly code: string
  /** Whether the session outlives the browser. */
  readonly remember: boolean
}

/** Logs in without a password: a short code by mail, which works once. */
export interface LoginCodes {
  /**
   * Mails a code, if there is such an account; takes the same time if there is none. After too many wrong codes it mails a link instead,
   * which nobody can guess.
   */
  readonly ask: (request: FastifyRequest, name: string) => Promise<void>
  /**
   * Logs in. Neither asks nor feeds the limits for wrong passwords: those can be reached by anybody, and must not keep out the owner of the
   * mailbox. Codes have their own: each is void after a few wrong ones, and an account gets only so many.
   *
   * @throws {GsError} `GS_CODE_INVALID`, whatever is wrong; with the right code `GS_ACCOUNT_LOCKED`, `GS_EMAIL_TAKEN`, and what a login may throw
   */
  readonly redeem: (request: FastifyRequest, reply: FastifyReply, fields: LoginCodeFields) => Promise<void>
}

interface LoggedIn {
  readonly signedIn: SignedIn
  readonly ended: readonly SessionEndEvent[]
}

/** Null: the option `loginCodes` is off. */
export function createLoginCodes(services: FlowServices): LoginCodes | null {
  const { database, events, keys, options, outbox, signIn, throttle } = services
  const rules = options.loginCodes
  if (rules === null) return null

  const tryCode = async (trx: Trx, request: FastifyRequest, { username, code, remember }: LoginCodeFields): Promise<LoggedIn | null> => {
    const now = options.now()
    // The same statements for names that nobody has.
    const id = (await findAccountByName(trx, username))?.id ?? ''
    const before = await lockAccount(trx, id)
    const right = await redeemCode(trx, keys, id, code, rules, now)
    if (before === null) await commitAnyway(trx)
    if (before === null || !right) return null
    if (before.locked) throw gsError('GS_ACCOUNT_LOCKED')

    let ended: SessionEndEvent[] = []
    if (!before.verified) {
      // The mailbox proves the address. Whoever chose the password before had not, so it ends here, as with a lost-password link.
      if (!(await markVerified(trx, id))) throw gsError('GS_EMAIL_TAKEN')
      await enqueueEvent(trx, 'accountVerified', before, now)
      await replacePasswordHash(trx, id, '')
      await voidLinks(trx, id, now)
      ended = await endSessionsOf(trx, id, 'verified')
    }
    await throttle.forgive(trx, id)
    await forgiveCodes(trx, id)
    const account = (await findAccountById(trx, id))!
    // Who loses a password by this may choose another one.
    const forgotAt = !before.verified && before.passwordHash !== '' ? now : null
    return { ended, signedIn: await signIn.start(trx, request, account, { remember, forgotAt, method: 'login-code' }) }
  }

  return {
    async ask(request, name) {
      await evenTime(async () => {
        await database.transaction(async (trx) => {
          await commitAnyway(trx)
          const found = await findAccountByName(trx, name)
          // Wrong codes are counted one after the other, so the sum is right from here on.
          const account = found === null ? null : await lockAccount(trx, found.id)
          if (account === null) return
          const purpose = (await mayGetCode(trx, account.id, rules, options.now())) ? 'login-code' : 'forgot-password'
          await mailLink(services, trx, request, account, purpose)
        })
      })
      outbox.wake()
    },
    async redeem(request, reply, fields) {
      const loggedIn = await evenTime(() => database.transaction((trx) => tryCode(trx, request, fields)))
      if (loggedIn === null) {
        request.log.info({ gs: 'login-code', outcome: 'refused', ip: request.ip }, 'login by code refused')
        throw gsError('GS_CODE_INVALID', { field: 'code' })
      }
      const { signedIn, ended } = loggedIn
      events.ended(ended)
      await completeSignIn(services, request, reply, signedIn)
      outbox.wake()
      const facts = { gs: 'login-code', outcome: 'success', accountId: signedIn.account.id, sessionId: signedIn.id, ip: request.ip }
      request.log.info(facts, 'logged in by a code')
    }
  }
}

/** Ask for a code by mail, and log in with it. */
export function loginCode(app: FastifyInstance, services: FlowServices): void {
  const codes = createLoginCodes(services)
  if (codes === null) return

  app.post<{ Body: LoginCodeBody }>(
    gsPaths.loginCode,
    {
      config: rateLimited(services, 'mail'),
      schema: documented('Ask for a code to log in', { body: LoginCodeBody, response: { 202: Accepted } })
    },
    async (request, reply) => {
      await codes.ask(request, request.body.username)
      return answer(services, request, reply, { status: 202, body: { ok: true }, notice: 'codesent' })
    }
  )

  app.post<{ Body: RedeemLoginCodeBody }>(
    gsPaths.redeemLoginCode,
    {
      config: rateLimited(services, 'login'),
      schema: documented('Log in with the code', { body: RedeemLoginCodeBody, response: { 200: SessionInfo } })
    },
    async (request, reply) => {
      const { username, code, remember = false } = request.body
      await codes.redeem(request, reply, { username, code, remember })
      return answer(services, request, reply, { status: 200, body: sessionInfo(services, request), notice: 'loggedin' })
    }
  )
}
