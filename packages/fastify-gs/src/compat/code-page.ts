import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { documented } from '../flows/shared/flow.ts'
import { renderForm, type Field, type Form, type FormPages, type FormRefusal } from '../forms-page.ts'
import { html } from '../html.ts'
import { returnPath } from '../sessions/return-path.ts'
import { lwsgsPaths } from './lwsgs-paths.ts'
import { links, type Pages } from './pages.ts'

/** The page on which somebody types the code that was mailed to him. `next`: where he wanted to go, as the form says. */
export type SendCodeForm = (request: FastifyRequest, reply: FastifyReply, name: string, next: string | undefined) => FastifyReply

const usernameOrEmail: Field = {
  name: 'username',
  label: 'User name or e-mail address',
  autocomplete: 'username',
  inputmode: 'email'
}
const codeField: Field = { name: 'code', label: 'Code', autocomplete: 'one-time-code', inputmode: 'numeric' }
const remember: Field = { name: 'remember', label: 'Keep me logged in', type: 'checkbox' }

/** Log in with a code by mail: a form that asks for one, and the one in which it is typed. There is no such page when the option is off. */
export function codePage(app: FastifyInstance, pages: Pages, formPages: FormPages): SendCodeForm {
  const { services, at, withNotice, send, onTo, wantedBy } = pages
  const { loginCodes, loginPage, origin } = services.options
  const title = 'Log in with a code by mail'
  const action = at(lwsgsPaths.code)

  const askForm = (next: string | null): Form => ({
    name: 'ask-code',
    action,
    hidden: { next: next ?? undefined },
    fields: [usernameOrEmail],
    button: { name: 'send', text: 'Send me a code' }
  })
  const others = (next: string | null) =>
    links([
      [onTo(lwsgsPaths.login, next), 'Log in with your password'],
      [at(lwsgsPaths.forgot), 'No mail comes? Have a link sent instead']
    ])
  const startLink = html`<p><a href="${loginPage}">To the start page</a></p>`

  const sendAsk = (request: FastifyRequest, reply: FastifyReply, refusal?: FormRefusal) => {
    const next = wantedBy(request, refusal)
    const havingOne = onTo(lwsgsPaths.code, next) + (next === null ? '?' : '&') + 'have=1'
    return send(
      request,
      reply,
      title,
      html`<p>We mail a code to the address of your account; with it you log in once, without your password.</p>
        ${renderForm(askForm(next), refusal)}${links([[havingOne, 'You have a code already?']])}${others(next)}${startLink}`,
      refusal
    )
  }

  /** Null: the visitor types his name beside the code. */
  const sendCode = (
    request: FastifyRequest,
    reply: FastifyReply,
    name: string | null,
    refusal?: FormRefusal,
    next = wantedBy(request, refusal)
  ) => {
    const form: Form = {
      name: name === null ? 'code-and-name' : 'code',
      action,
      hidden: { next: next ?? withNotice(lwsgsPaths.login, 'loggedin') },
      ...(name !== null && { owner: name }),
      fields: name === null ? [usernameOrEmail, codeField, remember] : [codeField, remember],
      button: { text: 'Log in' }
    }
    const again: Form = {
      name: 'ask-code-again',
      action,
      hidden: { next: next ?? undefined, username: name ?? undefined },
      button: { name: 'send', text: 'Send a new code', look: 'quiet' }
    }
    const minutes = Math.ceil((loginCodes?.life ?? 0) / 60_000)
    const told =
      name === null
        ? html`<p>The code is in the newest mail that we have sent to you.</p>`
        : html`<p>
            If there is an account <strong>${name}</strong>, a mail with a code is on its way. The code works once, for ${String(minutes)}
            ${minutes === 1 ? 'minute' : 'minutes'}.
          </p>`
    const more = name === null ? html`` : renderForm(again, refusal)
    return send(
      request,
      reply,
      title,
      html`${told}${renderForm(form, refusal)}${more}${links([[onTo(lwsgsPaths.code, next), 'Another name?']])}${others(next)}${startLink}`,
      refusal
    )
  }

  if (loginCodes !== null) {
    app.get<{ Querystring: { have?: unknown } }>(lwsgsPaths.code, { schema: documented(`Page: ${title}`, {}) }, (request, reply) =>
      request.query.have === undefined ? sendAsk(request, reply) : sendCode(request, reply, null)
    )
    formPages.set('ask-code', sendAsk)
    formPages.set('code-and-name', (request, reply, refusal) => sendCode(request, reply, null, refusal))
    for (const form of ['code', 'ask-code-again']) {
      formPages.set(form, (request, reply, refusal) => sendCode(request, reply, refusal.values['username'] ?? '', refusal))
    }
  }
  return (request, reply, name, next) => sendCode(request, reply, name, undefined, returnPath(next, origin))
}
