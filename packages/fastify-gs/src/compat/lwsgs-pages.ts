import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AuthMask, satisfies } from '../accounts/auth-mask.ts'
import { gsPaths } from '../api.ts'
import type { Notice } from '../flows/shared/answer.ts'
import { documented, type FlowServices } from '../flows/shared/flow.ts'
import { html, type Html } from '../html.ts'
import { sendPage } from '../page.ts'
import { returnPath } from '../sessions/return-path.ts'

/** Paths of the original's forms, relative to the prefix of a mount. */
export const lwsgsPaths = {
  login: '/lwsgs-login',
  logout: '/lwsgs-logout',
  change: '/lwsgs-change',
  forgot: gsPaths.forgotPasswordPage,
  confirm: gsPaths.verifyEmailPage,
  check: '/lwsgs-check'
} as const

const sentences: Record<Notice, string> = {
  loggedin: 'You are logged in.',
  loggedout: 'You are logged out.',
  registered: 'We have sent you a mail. Please open the link in it to confirm your address.',
  verified: 'Your address is confirmed, and you are logged in.',
  other: 'The address is confirmed. You are still logged in with your own account.',
  sent: 'If there is such an account, a mail with a link is on its way.',
  forgot: 'You are logged in once without your password. Please set a new one now.',
  changed: 'Your password is changed. All other devices are logged out.',
  deleted: 'Your account is deleted.'
}

const queryText = (request: FastifyRequest, name: string): string | undefined => {
  const value = (request.query as Record<string, unknown>)[name]
  return typeof value === 'string' ? value : undefined
}

const hidden = (name: string, value: string | undefined): Html =>
  value === undefined ? html`` : html`<input type="hidden" name="${name}" value="${value}" />`

const join = (parts: readonly Html[]): Html => parts.reduce((all, part) => html`${all}${part}`, html``)

interface Input {
  readonly name: string
  readonly label: string
  readonly type?: 'text' | 'password' | 'email'
  readonly autocomplete: string
}

const username: Input = { name: 'username', label: 'User name', autocomplete: 'username' }
const usernameOrEmail: Input = { ...username, label: 'User name or e-mail address' }
const email: Input = { name: 'email', label: 'E-mail address', type: 'email', autocomplete: 'email' }
const password: Input = { name: 'password', label: 'Password', type: 'password', autocomplete: 'current-password' }
const currentPassword: Input = { ...password, name: 'curpw', label: 'Current password' }
const chosenPassword = (label: string): readonly Input[] => [
  { name: 'password', label, type: 'password', autocomplete: 'new-password' },
  { name: 'password2', label: `${label} again`, type: 'password', autocomplete: 'new-password' }
]

function form(action: string, title: string, hiddenFields: Html, inputs: readonly Input[], button: { name?: string; text: string }): Html {
  const rows = inputs.map(
    ({ name, label, type = 'text', autocomplete }) =>
      html`<label>${label} <input type="${type}" name="${name}" autocomplete="${autocomplete}" required /></label> `
  )
  const name = button.name === undefined ? html`` : html` name="${button.name}" value="1"`
  return html`<form method="post" action="${action}">
    <h2>${title}</h2>
    ${hiddenFields} ${join(rows)}
    <button type="submit" ${name}>${button.text}</button>
  </form> `
}

/** Pages with plain forms behind the addresses that the original's forms post to; all of them work without scripts. They change nothing. */
export function lwsgsPages(app: FastifyInstance, services: FlowServices, prefix: string): void {
  const { origin, siteName, loginPage, prefix: pluginPrefix } = services.options
  const at = (path: string) => prefix + path
  const withNotice = (path: string, notice: Notice) => `${at(path)}?gs=${notice}`

  const send = (request: FastifyRequest, reply: FastifyReply, title: string, content: Html) => {
    const notice = queryText(request, 'gs') ?? ''
    const said = Object.hasOwn(sentences, notice) ? html`<p role="status">${sentences[notice as Notice]}</p>` : html``
    return sendPage(reply, 200, pluginPrefix, siteName, { title, content: html`${said}${content}` })
  }
  const startLink = html`<p><a href="${loginPage}">To the start page</a></p>`

  const logOutForm = form(at(lwsgsPaths.logout), 'Log out', hidden('next', withNotice(lwsgsPaths.login, 'loggedout')), [], {
    text: 'Log out'
  })
  const askForm = form(
    at(lwsgsPaths.login),
    'Forgot your password?',
    html`${hidden('next', withNotice(lwsgsPaths.login, 'sent'))}${hidden('forgot-post-good', withNotice(lwsgsPaths.change, 'forgot'))}`,
    [usernameOrEmail],
    { name: 'forgot', text: 'Send me a link' }
  )
  const registerForm = form(
    at(lwsgsPaths.login),
    'Sign up',
    hidden('next', withNotice(lwsgsPaths.login, 'registered')),
    [username, email, ...chosenPassword('Password')],
    { name: 'register', text: 'Sign up' }
  )
  const resendForm = form(
    pluginPrefix + gsPaths.resendVerification,
    'Send the link again',
    hidden('next', withNotice(lwsgsPaths.login, 'sent')),
    [email],
    { text: 'Send me a link' }
  )

  app.get(lwsgsPaths.login, { schema: documented('Page: log in, sign up, ask for a new password', {}) }, (request, reply) => {
    const next = returnPath(queryText(request, 'next'), origin)
    const { account } = request.gs
    if (account !== null) {
      return send(
        request,
        reply,
        account.username,
        html`<p><a href="${next ?? loginPage}">Go on</a></p>
          <p><a href="${at(lwsgsPaths.change)}">Change your password, or delete your account</a></p>
          ${logOutForm}`
      )
    }
    const target = hidden('next', next ?? withNotice(lwsgsPaths.login, 'loggedin'))
    const logInForm = form(at(lwsgsPaths.login), 'Log in', target, [usernameOrEmail, password], { text: 'Log in' })
    return send(request, reply, 'Log in or sign up', html`${logInForm}${askForm}${registerForm}${startLink}`)
  })

  app.get(lwsgsPaths.logout, { schema: documented('Page: log out', {}) }, (request, reply) => {
    const { account } = request.gs
    if (account !== null) return send(request, reply, account.username, html`${logOutForm}${startLink}`)
    return send(request, reply, 'You are not logged in', html`<p><a href="${at(lwsgsPaths.login)}">Log in</a></p>`)
  })

  app.get(lwsgsPaths.change, { schema: documented('Page: change the password, delete the account', {}) }, (request, reply) => {
    const { account, mask } = request.gs
    if (account === null) {
      const login = `${at(lwsgsPaths.login)}?next=${encodeURIComponent(at(lwsgsPaths.change))}`
      return send(request, reply, 'You are not logged in', html`<p><a href="${login}">Log in</a></p>`)
    }
    if (account.configured)
      return send(
        request,
        reply,
        account.username,
        html`<p>This account is defined in the configuration of the server; change it there.</p>
          ${startLink}`
      )
    const current = satisfies(mask, AuthMask.forgot) ? [] : [currentPassword]
    const own = hidden('username', account.username)
    const changeForm = form(
      at(lwsgsPaths.change),
      'Change your password',
      html`${own}${hidden('next', withNotice(lwsgsPaths.login, 'changed'))}`,
      [...current, ...chosenPassword('New password')],
      { name: 'change', text: 'Change' }
    )
    const deleteForm = form(
      at(lwsgsPaths.change),
      'Delete your account',
      html`${own}${hidden('next', withNotice(lwsgsPaths.login, 'deleted'))}`,
      current,
      { name: 'delete', text: 'Delete my account' }
    )
    return send(request, reply, `Settings of ${account.username}`, html`${changeForm}${deleteForm}${startLink}`)
  })

  // The pages behind mail links. They change nothing by themselves and do not even look the token up: mail scanners and prefetching
  // browsers open links, but they press no buttons. They say nothing about the account.
  const linkPage = (path: string, page: { title: string; text: string; button: string; otherwise: Html }) =>
    // Below "warn" Fastify logs the address of each request, and this one has the token in it.
    app.get(path, { logLevel: 'warn', schema: documented(`Page: ${page.title}`, {}) }, (request, reply) => {
      const token = queryText(request, 'token')
      if (token === undefined || token === '') return send(request, reply, page.title, html`${page.otherwise}${startLink}`)
      const targets = join(['good', 'bad'].map((name) => hidden(name, queryText(request, name))))
      return send(
        request,
        reply,
        page.title,
        html`<p>${page.text}</p>
          <form method="post" action="${at(path)}">
            ${hidden('token', token)}${targets}
            <button type="submit">${page.button}</button>
          </form>`
      )
    })

  linkPage(lwsgsPaths.confirm, {
    title: 'Confirm your e-mail address',
    text: 'One click and your address is confirmed.',
    button: 'Confirm my address',
    otherwise: html`<p>Please open the link in the mail that we have sent to you.</p>
      ${resendForm}`
  })
  linkPage(lwsgsPaths.forgot, {
    title: 'Set a new password',
    text: 'Go on to log in once without your password and to set a new one. All other devices will be logged out.',
    button: 'Go on',
    otherwise: html`<p>We send a link to the address of your account; it lets you set a new password.</p>
      ${askForm}`
  })
}
