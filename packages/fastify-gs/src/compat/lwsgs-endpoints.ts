import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { emailKey, usernameKey } from '../accounts/identifiers.ts'
import { gsError, isGsError } from '../errors.ts'
import { createEmailChange } from '../flows/change-email.ts'
import { createPasswordChange } from '../flows/change-password.ts'
import { createNameCheck } from '../flows/check-name.ts'
import { createAccountDeletion } from '../flows/delete-account.ts'
import { createForgotPassword } from '../flows/forgot-password.ts'
import { createLogin } from '../flows/login.ts'
import { createLoginCodes } from '../flows/login-code.ts'
import { createLogout } from '../flows/logout.ts'
import { createRegistration } from '../flows/register.ts'
import { documented, requireLogin, type FlowServices } from '../flows/shared/flow.ts'
import { answerErrors } from '../flows/shared/scope.ts'
import { createEmailVerification } from '../flows/verify-email.ts'
import { formName, type FormPages } from '../forms-page.ts'
import type { LinkTargets } from '../mail/messages.ts'
import { returnPath } from '../sessions/return-path.ts'
import { createFormLimits } from './form-limits.ts'
import { lwsgsCheck } from './lwsgs-check.ts'
import { LwsgsFields, takeForms, type FieldName } from './lwsgs-fields.ts'
import { lwsgsPages } from './lwsgs-pages.ts'
import { lwsgsPaths } from './lwsgs-paths.ts'
import { formTarget } from './lwsgs-target.ts'

type FormRequest = FastifyRequest<{ Body: LwsgsFields }>
/** Does what a form asks for, and says where the browser goes, or sends the next page itself. */
type Work = (request: FormRequest, reply: FastifyReply) => Promise<string | FastifyReply>

/** A mailed link that is longer than this may be broken by mail programs. */
const longestMailedTarget = 500

const missing = (field: FieldName) => gsError('GS_BODY_INVALID', { field, reason: `${field} is missing.` })

/** @throws {GsError} `GS_PASSWORD_INVALID` */
function requireSamePasswords({ password, password2 }: LwsgsFields): void {
  if (password2 !== undefined && password2 !== password)
    throw gsError('GS_PASSWORD_INVALID', { field: 'password2', reasonCode: 'reason.password.repeat' })
}

/** Adds the endpoints of the original below the prefix, to a scope that `prepareScope` has prepared. */
export type LwsgsEndpoints = (scope: FastifyInstance, prefix: string) => Promise<void>

/**
 * The HTTP surface of libwebsockets' generic-sessions: forms that say themselves where the browser goes afterwards (303).
 *
 * @param app the scope of the flows
 */
export function createLwsgsEndpoints(app: FastifyInstance, services: FlowServices): LwsgsEndpoints {
  const { origin, loginPage, prefix: pluginPrefix, lwsgs } = services.options
  const limits = createFormLimits(app, services)
  const logIn = createLogin(services)
  const codes = createLoginCodes(services)
  const logOut = createLogout(services)
  const signUp = createRegistration(services)
  const forgot = createForgotPassword(services)
  const changePassword = createPasswordChange(services)
  const deleteAccount = createAccountDeletion(services)
  const { verify } = createEmailVerification(services)
  const emailChange = createEmailChange(services)
  const isFree = createNameCheck(services)

  const logRefused = (request: FastifyRequest, field: string) =>
    request.log.warn(
      { gs: 'target', field, path: request.routeOptions.url, ip: request.ip },
      'a form names a target that cannot be used; the default is'
    )

  /** The path that a field names, `null` when it is not of this site; `undefined` when it names none. */
  const resolve = (request: FormRequest, field: FieldName, base: string, urlroot: string | null): string | null | undefined => {
    const wanted = request.body[field]
    if (wanted === undefined) return undefined
    const path = formTarget(wanted, base, origin, urlroot)
    if (path === null) logRefused(request, field)
    return path
  }

  /**
   * The mail outlives the form: its targets are relative to the page behind the link, and checked again there. Forms around it, those of
   * the root, mean their own directory: the original had its links there as well.
   */
  const mailedTargets = (request: FormRequest, prefix: string): LinkTargets => {
    const base = pluginPrefix.startsWith(`${prefix}/`) ? prefix : pluginPrefix
    const target = (field: FieldName) => {
      const path = resolve(request, field, base + lwsgsPaths.forgot, null) ?? undefined
      if (path === undefined || path.length <= longestMailedTarget) return path
      logRefused(request, field)
      return undefined
    }
    const [good, bad] = [target('forgot-post-good'), target('forgot-post-bad')]
    return { ...(good !== undefined && { good }), ...(bad !== undefined && { bad }) }
  }

  /** The forms that nobody but the account's owner may send name him; the original acted upon whomever they named. */
  const requireOwnName = (request: FormRequest) => {
    const { account } = requireLogin(request)
    const named = request.body.username
    if (named === undefined) return
    const key = usernameKey(named)
    const address = emailKey(named)
    const own = key !== null && key === usernameKey(account.username)
    const ownAddress = address !== null && account.email !== null && address === emailKey(account.email)
    if (!own && !ownAddress) throw gsError('GS_FORBIDDEN', { field: 'username' })
  }

  /** Our own page has its visitor type the name: nobody deletes an account by a slip. */
  const requireConfirmation = (request: FormRequest) => {
    if (formName(request) !== 'delete-account') return
    const typed = usernameKey(request.body.confirm ?? '')
    if (typed !== null && typed === usernameKey(requireLogin(request).account.username)) return
    throw gsError('GS_USERNAME_INVALID', { field: 'confirm', reasonCode: 'reason.username.confirm' })
  }

  return async (scope, prefix) => {
    // Under further prefixes the pages have forms with addresses of their own.
    const formPages: FormPages = prefix === pluginPrefix ? services.formPages : new Map()
    const { sendCodeForm } = lwsgsPages(scope, services, prefix, formPages)
    lwsgsCheck(scope, isFree, limits.check)

    await scope.register(async (forms) => {
      takeForms(forms)
      answerErrors(forms, services, {
        wanted: () => true,
        links: (request) => {
          const { url } = request.routeOptions
          // A link that failed once will not work the next time: without its token the page mails a new one.
          const isLink = url?.endsWith(lwsgsPaths.confirm) === true || url?.endsWith(lwsgsPaths.forgot) === true
          const start = { href: loginPage, text: 'Back to the start page' }
          const isChange = url?.endsWith(lwsgsPaths.changeEmail) === true || url?.endsWith(lwsgsPaths.undoChangeEmail) === true
          if (url === undefined || isChange) return [start]
          return isLink ? [{ href: url, text: 'Ask for a new link' }, start] : [{ href: url, text: 'Back to the form' }]
        },
        forms: formPages
      })

      /**
       * A form. A refusal leads to `bad`, if the form names it; otherwise to a page with the reason. So does an outage, which is
       * nobody's mistake.
       */
      const form = (path: string, summary: string, work: Work, bad: (request: FormRequest) => string | undefined) => {
        const schema = documented(summary, {
          body: LwsgsFields,
          consumes: ['application/x-www-form-urlencoded', 'multipart/form-data']
        } as object)
        forms.post<{ Body: LwsgsFields }>(path, { attachValidation: true, schema }, async (request, reply) => {
          try {
            if (request.validationError !== undefined) throw request.validationError
            const done = await work(request, reply)
            return typeof done === 'string' ? reply.redirect(done, 303) : done
          } catch (error) {
            const to = isGsError(error) && error.statusCode < 500 ? bad(request) : undefined
            if (to === undefined) throw error
            return reply.redirect(to, 303)
          }
        })
      }

      const start = `${prefix}/`
      const refused = (path: string, field: FieldName) => (request: FormRequest) => {
        const target = resolve(request, field, prefix + path, lwsgs.urlroot)
        return target === null ? start : target
      }
      const onward = (path: string, field: FieldName) => (request: FormRequest) => {
        const target = resolve(request, field, prefix + path, lwsgs.urlroot)
        return (target === undefined ? returnPath(request.body.next, origin) : target) ?? start
      }

      const afterLogin = onward(lwsgsPaths.login, 'good')
      const afterAdminLogin = onward(lwsgsPaths.login, 'admin')
      const afterRegister = onward(lwsgsPaths.login, 'reg-good')
      const afterForgot = onward(lwsgsPaths.login, 'forgot-good')

      const login: Work = async (request, reply) => {
        const { username, password, admin } = request.body
        await limits.login(request)
        if (username === undefined) throw missing('username')
        if (password === undefined) throw missing('password')
        await logIn(request, reply, { username, password, remember: request.body.remember !== undefined })
        return request.gs.account?.admin === true && admin !== undefined ? afterAdminLogin(request) : afterLogin(request)
      }
      const register: Work = async (request) => {
        const { username, email, password } = request.body
        await limits.register(request)
        if (username === undefined) throw missing('username')
        if (password === undefined && codes === null) throw missing('password')
        if (email === undefined) throw missing('email')
        requireSamePasswords(request.body)
        await signUp(request, { username, email, password })
        return afterRegister(request)
      }
      const ask: Work = async (request) => {
        const name = request.body.username ?? request.body.email
        await limits.mail(request)
        if (name === undefined) throw missing('username')
        await forgot.ask(request, name, mailedTargets(request, prefix))
        return afterForgot(request)
      }
      const buttons = {
        login: { work: login, bad: refused(lwsgsPaths.login, 'bad') },
        register: { work: register, bad: refused(lwsgsPaths.login, 'reg-bad') },
        forgot: { work: ask, bad: refused(lwsgsPaths.login, 'forgot-bad') }
      }
      const pressed = ({ body }: FormRequest) =>
        buttons[body.forgot !== undefined ? 'forgot' : body.register !== undefined ? 'register' : 'login']
      form(
        lwsgsPaths.login,
        'Form: log in, sign up (register), ask for a new password (forgot)',
        (request, reply) => pressed(request).work(request, reply),
        (request) => pressed(request).bad(request)
      )

      if (codes !== null) {
        const afterCode = onward(lwsgsPaths.code, 'good')
        form(
          lwsgsPaths.code,
          'Form: log in with a code by mail, have one mailed (send)',
          async (request, reply) => {
            const { username, code, send, remember } = request.body
            await (send === undefined ? limits.login(request) : limits.mail(request))
            if (username === undefined) throw missing('username')
            if (send !== undefined) {
              await codes.ask(request, username)
              return sendCodeForm(request, reply, username, request.body.next)
            }
            if (code === undefined) throw missing('code')
            await codes.redeem(request, reply, { username, code, remember: remember !== undefined })
            return afterCode(request)
          },
          refused(lwsgsPaths.code, 'bad')
        )
      }

      const afterLogout = onward(lwsgsPaths.logout, 'good')
      form(
        lwsgsPaths.logout,
        'Form: log out',
        async (request, reply) => {
          await logOut(request, reply)
          return afterLogout(request)
        },
        refused(lwsgsPaths.logout, 'bad')
      )

      const afterChange = onward(lwsgsPaths.change, 'good')
      form(
        lwsgsPaths.change,
        'Form: change the password, delete the account (delete)',
        async (request, reply) => {
          const { password, curpw: currentPassword } = request.body
          await limits.login(request)
          requireOwnName(request)
          if (request.body.delete !== undefined) {
            requireConfirmation(request)
            await deleteAccount(request, reply, { currentPassword })
            return afterChange(request)
          }
          if (password === undefined) throw missing('password')
          requireSamePasswords(request.body)
          await changePassword(request, reply, { currentPassword, password })
          return afterChange(request)
        },
        refused(lwsgsPaths.change, 'bad')
      )

      const tokenOf = ({ body: { token } }: FormRequest) => {
        if (token === undefined) throw gsError('GS_LINK_INVALID', { field: 'token' })
        return token
      }

      form(
        lwsgsPaths.forgot,
        'The button of the lost-password link',
        async (request, reply) => {
          await limits.link(request)
          await forgot.redeem(request, reply, tokenOf(request))
          return resolve(request, 'good', prefix + lwsgsPaths.forgot, null) ?? `${loginPage}?gs=forgot`
        },
        (request) => resolve(request, 'bad', prefix + lwsgsPaths.forgot, null) ?? undefined
      )

      form(
        lwsgsPaths.confirm,
        'The button of the confirmation link',
        async (request, reply) => {
          await limits.link(request)
          const notice = await verify(request, reply, tokenOf(request))
          return lwsgs.verifiedPage ?? `${loginPage}?gs=${notice}`
        },
        () => lwsgs.verifyFailedPage ?? undefined
      )

      form(
        lwsgsPaths.changeEmail,
        'The button of the link that confirms another address',
        async (request, reply) => {
          await limits.link(request)
          return `${loginPage}?gs=${await emailChange.confirm(request, reply, tokenOf(request))}`
        },
        () => undefined
      )

      form(
        lwsgsPaths.undoChangeEmail,
        'The button of the link that undoes a change of the address',
        async (request, reply) => {
          await limits.link(request)
          await emailChange.undo(request, reply, tokenOf(request))
          return `${loginPage}?gs=emailrestored`
        },
        () => undefined
      )
    })
  }
}
