import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { gsPaths } from '../api.ts'
import { createOwnSessions } from '../flows/sessions-list.ts'
import type { Notice } from '../flows/shared/answer.ts'
import { documented, type FlowServices } from '../flows/shared/flow.ts'
import { avatar, hidden, join, renderForm, unsaid, type Field, type Form, type FormPages, type FormRefusal } from '../forms-page.ts'
import { html } from '../html.ts'
import { sendPage } from '../page.ts'
import { returnPath } from '../sessions/return-path.ts'
import { accountPage } from './account-page.ts'
import { codePage, type SendCodeForm } from './code-page.ts'
import { lwsgsPaths } from './lwsgs-paths.ts'
import { chosenPassword, links, type Pages } from './pages.ts'

const sentences: Record<Notice, string> = {
  loggedin: 'You are logged in.',
  loggedout: 'You are logged out.',
  registered: 'We have sent you a mail. Please open the link in it to confirm your address.',
  verified: 'Your address is confirmed, and you are logged in.',
  other: 'The address is confirmed. You are still logged in with your own account.',
  sent: 'If there is such an account, a mail with a link is on its way.',
  codesent: 'If there is such an account, a mail with a code is on its way.',
  emailsent: 'A mail with a link is on its way to the new address. It becomes that of your account when the link is opened.',
  emailchanged: 'Your e-mail address is changed.',
  emailrestored: 'Your former e-mail address is back, and all devices are logged out. Please set a new password now.',
  forgot: 'You are logged in once without your password. Please set a new one now.',
  changed: 'Your password is changed. All other devices are logged out.',
  ended: 'That session is ended.',
  endedothers: 'All other sessions are ended.',
  saved: 'Your choice is saved.',
  adminchanged: 'The change is made.',
  deleted: 'Your account is deleted.'
}

const queryText = (request: FastifyRequest, name: string): string | undefined => {
  const value = (request.query as Record<string, unknown>)[name]
  return typeof value === 'string' ? value : undefined
}

const username: Field = { name: 'username', label: 'User name', autocomplete: 'username' }
const usernameOrEmail: Field = { ...username, label: 'User name or e-mail address', inputmode: 'email' }
const email: Field = { name: 'email', label: 'E-mail address', type: 'email', autocomplete: 'email', inputmode: 'email' }
const password: Field = { name: 'password', label: 'Password', type: 'password', autocomplete: 'current-password' }
const remember: Field = { name: 'remember', label: 'Keep me logged in', type: 'checkbox' }

/** What is shown in answer to forms, rather than at an address of its own. */
export interface LwsgsPages {
  readonly sendCodeForm: SendCodeForm
}

/**
 * Pages with plain forms behind the addresses that the original's forms post to; all of them work without scripts. They change nothing.
 *
 * @param formPages learns on which page each form stands
 */
export function lwsgsPages(app: FastifyInstance, services: FlowServices, prefix: string, formPages: FormPages): LwsgsPages {
  const { origin, siteName, loginPage, prefix: pluginPrefix } = services.options
  const { minLength } = services.options.password
  const hasCodes = services.options.loginCodes !== null
  const at = (path: string) => prefix + path
  const withNotice: Pages['withNotice'] = (path, notice) => `${at(path)}?gs=${notice}`

  const send: Pages['send'] = (request, reply, title, content, refusal) => {
    const notice = refusal === undefined ? (queryText(request, 'gs') ?? '') : ''
    const said = Object.hasOwn(sentences, notice) ? html`<p role="status">${sentences[notice as Notice]}</p>` : html``
    return sendPage(reply, refusal?.status ?? 200, pluginPrefix, siteName, {
      title,
      ...(refusal !== undefined && { failed: true }),
      content: html`${said}${unsaid(content, refusal)}${content}`
    })
  }
  const startLink = html`<p><a href="${loginPage}">To the start page</a></p>`

  const logOutForm: Form = {
    name: 'logout',
    action: at(lwsgsPaths.logout),
    hidden: { next: withNotice(lwsgsPaths.login, 'loggedout') },
    button: { text: 'Log out', look: 'quiet' }
  }
  const askForm: Form = {
    name: 'forgot',
    action: at(lwsgsPaths.login),
    hidden: { next: withNotice(lwsgsPaths.login, 'sent'), 'forgot-post-good': withNotice(lwsgsPaths.change, 'forgot') },
    fields: [usernameOrEmail],
    button: { name: 'forgot', text: 'Send me a link' }
  }
  const resendForm: Form = {
    name: 'resend',
    action: pluginPrefix + gsPaths.resendVerification,
    hidden: { next: withNotice(lwsgsPaths.login, 'sent') },
    fields: [email],
    button: { text: 'Send me a link' }
  }

  const onTo: Pages['onTo'] = (path, next) => (next === null ? at(path) : `${at(path)}?next=${encodeURIComponent(next)}`)
  const wantedBy: Pages['wantedBy'] = (request, refusal) => {
    const next = returnPath(refusal === undefined ? queryText(request, 'next') : refusal.values['next'], origin)
    // Our own page with a notice is where those go who wanted nothing else.
    if (next === null || !next.startsWith(`${at(lwsgsPaths.login)}?`)) return next
    return returnPath(new URLSearchParams(next.slice(next.indexOf('?'))).get('next'), origin)
  }

  const sendLogin: Pages['sendLogin'] = (request, reply, next, refusal) => {
    const form: Form = {
      name: 'login',
      action: at(lwsgsPaths.login),
      hidden: { next: next ?? withNotice(lwsgsPaths.login, 'loggedin') },
      fields: [usernameOrEmail, password, remember],
      button: { text: 'Log in' }
    }
    const others = links([
      [onTo(lwsgsPaths.register, next), 'Sign up'],
      ...(hasCodes ? [[onTo(lwsgsPaths.code, next), 'Log in with a code by mail'] as const] : []),
      [at(lwsgsPaths.forgot), 'Forgot your password?'],
      [at(lwsgsPaths.confirm), 'The mail to confirm your address did not come?']
    ])
    return send(request, reply, 'Log in', html`${renderForm(form, refusal)}${others}${startLink}`, refusal)
  }

  const sendWelcome = (request: FastifyRequest, reply: FastifyReply, name: string, next: string | null) =>
    send(
      request,
      reply,
      name,
      html`<p class="badge">
          ${avatar(name)}<span>You are logged in as <strong>${name}</strong>.</span>
        </p>
        ${links([
          [next ?? loginPage, 'Go on'],
          [at(lwsgsPaths.change), 'Your account: password, address, devices']
        ])}
        ${renderForm(logOutForm)}`,
      undefined
    )

  const showLogin = (request: FastifyRequest, reply: FastifyReply, refusal?: FormRefusal) => {
    const next = wantedBy(request, refusal)
    const { account } = request.gs
    // Somebody who is logged in may still try another account, and fail.
    return account === null || refusal !== undefined
      ? sendLogin(request, reply, next, refusal)
      : sendWelcome(request, reply, account.username, next)
  }
  app.get(lwsgsPaths.login, { schema: documented('Page: log in', {}) }, (request, reply) => showLogin(request, reply))
  formPages.set('login', showLogin)

  const showRegister = (request: FastifyRequest, reply: FastifyReply, refusal?: FormRefusal) => {
    const next = wantedBy(request, refusal)
    const { account } = request.gs
    if (account !== null && refusal === undefined) return sendWelcome(request, reply, account.username, next)
    const registered = withNotice(lwsgsPaths.login, 'registered')
    const form: Form = {
      name: 'register',
      action: at(lwsgsPaths.login),
      // The mail may be opened on another device, or this page stay open: then the login still leads on.
      hidden: { next: next === null ? registered : `${registered}&next=${encodeURIComponent(next)}` },
      fields: [
        { ...username, hint: "Letters, digits, and . _ - ' inside." },
        { ...email, hint: 'We send a link there; it confirms that the address is yours.' },
        ...chosenPassword('Password', minLength, !hasCodes)
      ],
      button: { name: 'register', text: 'Sign up' }
    }
    const others = links([
      [onTo(lwsgsPaths.login, next), 'You have an account? Log in'],
      [at(lwsgsPaths.confirm), 'The mail to confirm your address did not come?']
    ])
    return send(request, reply, 'Sign up', html`${renderForm(form, refusal)}${others}${startLink}`, refusal)
  }
  app.get(lwsgsPaths.register, { schema: documented('Page: sign up', {}) }, (request, reply) => showRegister(request, reply))
  formPages.set('register', showRegister)

  const showLogout = (request: FastifyRequest, reply: FastifyReply, refusal?: FormRefusal) => {
    const { account } = request.gs
    return account === null
      ? send(request, reply, 'You are not logged in', html`<p><a href="${at(lwsgsPaths.login)}">Log in</a></p>`, refusal)
      : send(request, reply, account.username, html`${renderForm(logOutForm, refusal)}${startLink}`, refusal)
  }
  app.get(lwsgsPaths.logout, { schema: documented('Page: log out', {}) }, (request, reply) => showLogout(request, reply))
  formPages.set('logout', showLogout)

  const readSessions = createOwnSessions(services).list
  const pages: Pages = { services, at, withNotice, send, onTo, wantedBy, sendLogin, logOutForm, readSessions }
  accountPage(app, pages, formPages)
  const sendCodeForm = codePage(app, pages, formPages)

  /** A page that mails a link: also what a link page shows when its link is missing. */
  const askPage = (form: Form, title: string, text: string) => {
    const show = (request: FastifyRequest, reply: FastifyReply, refusal?: FormRefusal) => {
      const others = links([[at(lwsgsPaths.login), 'Back to log in']])
      return send(
        request,
        reply,
        title,
        html`<p>${text}</p>
          ${renderForm(form, refusal)}${others}${startLink}`,
        refusal
      )
    }
    formPages.set(form.name, show)
    return show
  }

  // The pages behind mail links. They change nothing by themselves and do not even look the token up: mail scanners and prefetching
  // browsers open links, but they press no buttons. They say nothing about the account.
  const linkPage = (
    path: string,
    page: {
      title: string
      text: string
      button: string
      otherwise: (request: FastifyRequest, reply: FastifyReply) => FastifyReply
    }
  ) =>
    // Below "warn" Fastify logs the address of each request, and this one has the token in it.
    app.get(path, { logLevel: 'warn', schema: documented(`Page: ${page.title}`, {}) }, (request, reply) => {
      const token = queryText(request, 'token')
      if (token === undefined || token === '') return page.otherwise(request, reply)
      const targets = join(['good', 'bad'].map((name) => hidden(name, queryText(request, name))))
      return send(
        request,
        reply,
        page.title,
        html`<p>${page.text}</p>
          <form method="post" action="${at(path)}">
            ${hidden('token', token)}${targets}
            <button type="submit">${page.button}</button>
          </form>`,
        undefined
      )
    })

  linkPage(lwsgsPaths.confirm, {
    title: 'Confirm your e-mail address',
    text: 'One click and your address is confirmed.',
    button: 'Confirm my address',
    otherwise: askPage(
      resendForm,
      'Confirm your e-mail address',
      'Please open the link in the mail that we have sent to you. If it did not come, look into the folder for spam, or have it sent again:'
    )
  })
  linkPage(lwsgsPaths.forgot, {
    title: 'Set a new password',
    text: 'Go on to log in once without your password and to set a new one. All other devices will be logged out.',
    button: 'Go on',
    otherwise: askPage(askForm, 'Forgot your password?', 'We send a link to the address of your account; it lets you set a new password.')
  })
  const openTheLink = (title: string, text: string) => (request: FastifyRequest, reply: FastifyReply) =>
    send(
      request,
      reply,
      title,
      html`<p>${text}</p>
        ${startLink}`,
      undefined
    )
  linkPage(lwsgsPaths.changeEmail, {
    title: 'Confirm your new e-mail address',
    text: 'One click and this is the address of the account that is named in the mail. Go on only if you have asked for it.',
    button: 'Confirm my new address',
    otherwise: openTheLink('Confirm your new e-mail address', 'Please open the link in the mail that we have sent to the new address.')
  })
  linkPage(lwsgsPaths.undoChangeEmail, {
    title: 'Undo the change of your e-mail address',
    text: 'Go on to bring your former address back. All devices will be logged out, the password will not work any more, and you can set a new one.',
    button: 'Undo the change',
    otherwise: openTheLink(
      'Undo the change of your e-mail address',
      'Please open the link in the mail that we have sent to your former address.'
    )
  })
  return { sendCodeForm }
}
