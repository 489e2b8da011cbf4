import { html, type Html } from '../html.ts'

/** What every mail may mention of the deployment. */
export interface MailContext {
  readonly siteName: string
  /** Address of the login page. */
  readonly loginUrl: string
  readonly contact: string
}

/** Where the page behind a lost-password link leads when it is done with: paths of the own origin. */
export interface LinkTargets {
  readonly good?: string
  readonly bad?: string
}

/** Data of each kind of mail; `link` and `lifetime` (ms) only for those with a link. */
export interface MailParameters {
  'verify-email': { username: string; ip: string; lifetime: number }
  'forgot-password': { username: string; ip: string; lifetime: number } & LinkTargets
  'already-registered': { username: string; ip: string }
  'password-changed': { username: string; ip: string }
  'account-deleted': { username: string }
}
export type MailKind = keyof MailParameters

export interface Message {
  readonly subject: string
  readonly text: string
  readonly html: string
}

const plural = (count: number, unit: string) => `${count} ${unit}${count === 1 ? '' : 's'}`
const duration = (ms: number) => {
  const minutes = Math.round(ms / 60_000)
  return minutes % 60 === 0 && minutes > 0 ? plural(minutes / 60, 'hour') : plural(Math.max(1, minutes), 'minute')
}

interface Content {
  readonly subject: string
  /** Paragraphs before the link. */
  readonly before: readonly string[]
  readonly button?: string
  /** Paragraphs behind it. */
  readonly after: readonly string[]
}

const contents: { [K in MailKind]: (parameters: MailParameters[K], context: MailContext) => Content } = {
  'verify-email': ({ username, ip, lifetime }, { siteName }) => ({
    subject: `Confirm your address for ${siteName}`,
    before: [
      `Hello ${username},`,
      `somebody (from the address ${ip}) signed up at ${siteName} with this e-mail address. If it was you, please confirm it:`
    ],
    button: 'Confirm my address',
    after: [
      `The link works once and for ${duration(lifetime)}; an account that is not confirmed by then is removed.`,
      'If it was not you, there is nothing you need to do.'
    ]
  }),
  'forgot-password': ({ username, ip, lifetime }, { siteName }) => ({
    subject: `Set a new password for ${siteName}`,
    before: [
      `Hello ${username},`,
      `somebody (from the address ${ip}) asked for a new password for your account at ${siteName}. If it was you, go on here:`
    ],
    button: 'Set a new password',
    after: [`The link works once and for ${duration(lifetime)}.`, 'If it was not you, ignore this mail: your password stays as it is.']
  }),
  'already-registered': ({ username, ip }, { siteName, loginUrl }) => ({
    subject: `You already have an account at ${siteName}`,
    before: [
      `Hello ${username},`,
      `somebody (from the address ${ip}) tried to sign up at ${siteName} with this e-mail address. It belongs to your account "${username}", so no other account can be confirmed with it.`,
      `If it was you, log in instead, or ask for a new password there: ${loginUrl}`
    ],
    after: ['If it was not you, there is nothing you need to do.']
  }),
  'password-changed': ({ username, ip }, { siteName, loginUrl }) => ({
    subject: `Your password for ${siteName} was changed`,
    before: [
      `Hello ${username},`,
      `the password of your account at ${siteName} was changed (from the address ${ip}). All other devices have been logged out.`
    ],
    after: [`If it was not you, ask for a new password at once with "Forgot password?": ${loginUrl}`]
  }),
  'account-deleted': ({ username }, { siteName }) => ({
    subject: `Your account at ${siteName} was deleted`,
    before: [`Hello ${username},`, `your account at ${siteName} was deleted, as you asked. This is the last mail about it.`],
    after: []
  })
}

/** Whether mails of this kind carry a link. */
export function hasLink(kind: MailKind): boolean {
  return kind === 'verify-email' || kind === 'forgot-password'
}

const paragraphs = (texts: readonly string[]): Html[] => texts.map((text) => html`<p>${text}</p> `)

/** The mail as text and HTML; values are data in both. No picture and no address but the link's: nothing to track, nothing to load. */
export function renderMessage<K extends MailKind>(
  kind: K,
  parameters: MailParameters[K],
  context: MailContext,
  link: string | null
): Message {
  const { subject, before, button, after } = contents[kind](parameters, context)
  const footer = context.contact === '' ? [] : [`Questions? A person answers at ${context.contact}.`]
  const action = link === null ? [] : [link]
  const body: Html[] = [
    ...paragraphs(before),
    ...(link === null
      ? []
      : [
          html`<p><a href="${link}">${button ?? link}</a></p>
            <p>${link}</p> `
        ]),
    ...paragraphs([...after, ...footer])
  ]
  return {
    subject,
    text: `${[...before, ...action, ...after, ...footer].join('\n\n')}\n`,
    html: `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>${html`${subject}`.text}</title></head><body>\n${body.join('')}</body></html>\n`
  }
}
