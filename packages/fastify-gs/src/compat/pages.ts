import type { FastifyReply, FastifyRequest } from 'fastify'
import type { SessionList } from '../api.ts'
import type { Notice } from '../flows/shared/answer.ts'
import type { FlowServices } from '../flows/shared/flow.ts'
import { join, type Field, type Form, type FormRefusal } from '../forms-page.ts'
import { html, type Html } from '../html.ts'

/** The rule for new passwords, told before they are typed. */
const passwordHint = (minLength: number) => `At least ${minLength} characters. Several words make a good password.`

/** A new password and its repetition: without scripts nobody can look at what was typed. */
export const chosenPassword = (label: string, minLength: number, required = true): readonly Field[] => [
  {
    name: 'password',
    label,
    type: 'password',
    autocomplete: 'new-password',
    hint: `${passwordHint(minLength)}${required ? '' : ' Leave it empty to log in with codes that we mail to you.'}`,
    required
  },
  { name: 'password2', label: `${label} again`, type: 'password', autocomplete: 'new-password', required }
]

/** What the pages of a prefix share. */
export interface Pages {
  readonly services: FlowServices
  /** A path below the prefix of the pages. */
  readonly at: (path: string) => string
  readonly withNotice: (path: string, notice: Notice) => string
  readonly send: (
    request: FastifyRequest,
    reply: FastifyReply,
    title: string,
    content: Html,
    refusal: FormRefusal | undefined
  ) => FastifyReply
  /** A page of this prefix that leads on to where the visitor wanted. */
  readonly onTo: (path: string, next: string | null) => string
  /** Where the visitor wanted to go before he was asked who he is. */
  readonly wantedBy: (request: FastifyRequest, refusal: FormRefusal | undefined) => string | null
  /** The form to log in, for those who have to before they see a page. */
  readonly sendLogin: (request: FastifyRequest, reply: FastifyReply, next: string | null, refusal: FormRefusal | undefined) => FastifyReply
  readonly logOutForm: Form
  /** The living sessions of the visitor's account. */
  readonly readSessions: (request: FastifyRequest) => Promise<SessionList>
}

export const links = (all: readonly (readonly [href: string, text: string])[]): Html =>
  html`<ul class="links">
    ${join(all.map(([href, text]) => html`<li><a href="${href}">${text}</a></li> `))}
  </ul>`
