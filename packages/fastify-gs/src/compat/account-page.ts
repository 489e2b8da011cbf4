import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Account } from '../accounts/accounts.ts'
import { AuthLevel } from '../accounts/auth-level.ts'
import { AuthMask, satisfies } from '../accounts/auth-mask.ts'
import { gsPaths, type ListedSession } from '../api.ts'
import { documented } from '../flows/shared/flow.ts'
import {
  adminPagePath,
  ago,
  alsoOpen,
  avatar,
  deviceOf,
  failure,
  join,
  renderForm,
  section,
  time,
  type Field,
  type Form,
  type FormPages,
  type FormRefusal
} from '../forms-page.ts'
import { html, type Html } from '../html.ts'
import { lwsgsPaths } from './lwsgs-paths.ts'
import { chosenPassword, links, type Pages } from './pages.ts'

/** The names of the forms on the page of the own account. */
const names = ['resend-own', 'change-password', 'change-email', 'end-session', 'end-others', 'delete-account'] as const

const currentPassword = (name: string): Field => ({
  name,
  label: 'Current password',
  type: 'password',
  autocomplete: 'current-password',
  refusedAs: 'currentPassword'
})

function badge({ username, email, verified }: Account, level: number): Html {
  const marks = [
    level >= AuthLevel.admin ? html`<span class="mark" data-mark="admin">Admin</span> ` : html``,
    verified
      ? html`<span class="mark" data-mark="verified">Verified</span>`
      : html`<span class="mark" data-mark="unverified">Not verified</span>`
  ]
  return html`<p class="badge">
    ${avatar(username)} <span><strong>${username}</strong>${email === null ? html`` : html`<br />${email}`}<br />${join(marks)}</span>
  </p> `
}

/** One session, with the button that ends it; the current one is ended by logging out. */
function sessionRow(form: Form, session: ListedSession, now: number): Html {
  const { current, userAgent, ip, createdAt, lastActiveAt, remember } = session
  const device = deviceOf(userAgent)
  const button = renderForm({ ...form, button: { text: 'End', look: 'small', label: `End the session of ${device}, ${ip}` } })
  return html`<li>
    <div>
      <strong>${device}</strong>${current ? html` <span class="mark" data-mark="verified">This browser</span>` : html``}
      <p class="hint">
        ${ip} · active ${ago(lastActiveAt, now)}<br />logged in ${time(createdAt)}${remember ? ', stays logged in' : ''}${alsoOpen(session)}
      </p>
    </div>
    ${current ? html`` : button}
  </li> `
}

/** The page of the own account: everything that its owner can do with it. */
export function accountPage(app: FastifyInstance, pages: Pages, formPages: FormPages): void {
  const { at, withNotice, services, send, sendLogin, logOutForm, readSessions, wantedBy } = pages
  const { loginPage, prefix, now, password } = services.options
  const path = lwsgsPaths.change

  const resend = ({ email }: Account): Form => ({
    name: 'resend-own',
    action: prefix + gsPaths.resendVerification,
    hidden: { email: email ?? undefined, next: withNotice(path, 'sent') },
    button: { text: 'Send the mail again', look: 'quiet' }
  })
  const changePassword = ({ username }: Account, current: readonly Field[], next: string | null): Form => ({
    name: 'change-password',
    action: at(path),
    // The server checks that it is still that account.
    owner: username,
    hidden: { next: next ?? withNotice(path, 'changed') },
    fields: [...current, ...chosenPassword('New password', password.minLength)],
    button: { name: 'change', text: 'Change' }
  })
  const changeEmail: Form = {
    name: 'change-email',
    action: prefix + gsPaths.changeEmail,
    hidden: { next: withNotice(path, 'emailsent') },
    fields: [
      { name: 'email', label: 'New e-mail address', type: 'email', autocomplete: 'email', inputmode: 'email' },
      currentPassword('currentPassword')
    ],
    button: { text: 'Send me a link' }
  }
  const endOthers: Form = {
    name: 'end-others',
    action: prefix + gsPaths.endOtherSessions,
    hidden: { next: withNotice(path, 'endedothers') },
    button: { text: 'End all others', look: 'quiet' }
  }
  const endSession = ({ id }: ListedSession): Form => ({
    name: 'end-session',
    action: prefix + gsPaths.endSession,
    hidden: { id, next: withNotice(path, 'ended') },
    button: { text: 'End' }
  })
  const remove = ({ username }: Account, current: readonly Field[]): Form => ({
    name: 'delete-account',
    action: at(path),
    owner: username,
    hidden: { next: withNotice(lwsgsPaths.login, 'deleted') },
    fields: [{ name: 'confirm', label: `Type your user name, ${username}, to confirm`, autocomplete: 'off' }, ...current],
    button: { name: 'delete', text: 'Delete my account', look: 'danger' }
  })

  const sessionsPart = (sessions: readonly ListedSession[], refusal: FormRefusal | undefined): Html => {
    const refused = refusal?.form === 'end-session' || refusal?.form === 'end-others' ? refusal : undefined
    return section(
      'sessions',
      'Where you are logged in',
      html`${failure(refused)}
        <ul class="rows">
          ${join(sessions.map((session) => sessionRow(endSession(session), session, now())))}
        </ul>
        ${sessions.length > 1 ? renderForm(endOthers) : html``}`
    )
  }

  const show = async (request: FastifyRequest, reply: FastifyReply, refusal?: FormRefusal): Promise<FastifyReply> => {
    const { account, level, mask } = request.gs
    if (account === null) return sendLogin(request, reply, at(path), refusal)
    const administers = services.options.adminApi && level >= AuthLevel.admin
    const { mustChangePassword } = account
    // Who was sent here because a new password is due goes on from here; `next` of the other forms is another one.
    const elsewhere = refusal !== undefined && refusal.form !== 'change-password'
    const next = mustChangePassword && !elsewhere ? wantedBy(request, refusal) : null
    const { sessions } = mustChangePassword ? { sessions: [] } : await readSessions(request)
    // Within 300 s after a lost-password link nobody can be asked for what he has lost.
    const inWindow = satisfies(mask, AuthMask.forgot)
    const current = inWindow ? [] : [currentPassword('curpw')]
    const own = account.configured
      ? html`<p>This account is defined in the configuration of the server; change it there.</p>`
      : html`${section('password', 'Change your password', renderForm(changePassword(account, current, next), refusal))}${
          inWindow || mustChangePassword ? html`` : section('email', 'Change your e-mail address', renderForm(changeEmail, refusal))
        }`
    const waiting = html`<p>
        We have sent a mail to <strong>${account.email ?? ''}</strong>. Please open the link in it to confirm the address.
      </p>
      ${renderForm(resend(account), refusal)}`
    const due = html`<p>Please choose a new password before you go on.</p>`
    const content = html`${badge(account, level)}${mustChangePassword ? due : html``}
    ${links([[loginPage, 'To the start page'], ...(administers ? [[`${prefix}${adminPagePath}`, 'Administration'] as const] : [])])}
    ${account.verified || account.email === null ? html`` : waiting}${renderForm(logOutForm)}${own}${mustChangePassword ? html`` : sessionsPart(sessions, refusal)}${
      account.configured ? html`` : section('delete', 'Delete your account', renderForm(remove(account, current), refusal))
    }`
    return send(request, reply, `Settings of ${account.username}`, content, refusal)
  }

  app.get(path, { schema: documented('Page: the own account', {}) }, (request, reply) => show(request, reply))
  for (const name of names) formPages.set(name, show)
}
