import { fillText } from '../errors.ts'
import { html, Html } from '../html.ts'
import type { Messages } from '../texts/messages.ts'
import type { TextCode } from '../texts/translation.ts'

/** What every mail may mention of the deployment. */
export interface MailContext {
  readonly siteName: string
  /** Address of the login page. */
  readonly loginUrl: string
  readonly contact: string
  /** What the mails say. */
  readonly messages: Messages
}

/** Stands among the parameters of every mail: it outlives the account. */
export interface MailLanguage {
  /** That of the recipient, a BCP 47 tag; missing: that of the site. */
  readonly language?: string
}

/** Where the page behind a lost-password link leads when it is done with: paths of the own origin. */
export interface LinkTargets {
  readonly good?: string
  readonly bad?: string
}

/** Data of each kind of mail; `link` and `lifetime` (ms) only for those with a link. */
export interface MailParameters {
  'verify-email': { username: string; ip: string; lifetime: number }
  /** `byAdmin`: nobody asked; an admin has made the password void. */
  'forgot-password': { username: string; ip: string; lifetime: number; byAdmin?: boolean } & LinkTargets
  'change-email': { username: string; ip: string; lifetime: number }
  'login-code': { username: string; ip: string; lifetime: number }
  /** The password is off after too many wrong ones. */
  'password-off': { username: string; lifetime: number }
  'already-registered': { username: string; ip: string }
  'email-in-use': { username: string; ip: string }
  'email-changed': { username: string; ip: string; lifetime: number }
  'password-changed': { username: string; ip: string }
  'account-deleted': { username: string }
}
export type MailKind = keyof MailParameters

export interface Message {
  readonly subject: string
  readonly text: string
  readonly html: string
  /** BCP 47 tag of what it is written in. */
  readonly language: string
}

interface Layout {
  readonly subject: TextCode
  /** Paragraphs before the link. */
  readonly before: readonly TextCode[]
  readonly button?: TextCode
  /** Paragraphs behind it. */
  readonly after: readonly TextCode[]
}

const layouts: { [K in MailKind]: (parameters: MailParameters[K], linked: boolean) => Layout } = {
  'verify-email': () => linkMail('verify-email'),
  'forgot-password': ({ byAdmin = false }) =>
    byAdmin
      ? { ...linkMail('forgot-password'), before: ['mail.forgot-password.text.admin'], after: ['mail.forgot-password.after.admin'] }
      : linkMail('forgot-password'),
  'change-email': () => linkMail('change-email'),
  // The code stands in the place of the link.
  'login-code': () => plainMail('login-code'),
  'password-off': () => linkMail('password-off'),
  'already-registered': () => plainMail('already-registered'),
  'email-in-use': () => plainMail('email-in-use'),
  'email-changed': (_parameters, linked) =>
    linked
      ? { ...linkMail('email-changed'), before: ['mail.email-changed.text', 'mail.email-changed.undo'] }
      : { subject: 'mail.email-changed.subject', before: ['mail.email-changed.text'], after: ['mail.email-changed.after.unlinked'] },
  'password-changed': () => plainMail('password-changed'),
  'account-deleted': () => ({ subject: 'mail.account-deleted.subject', before: ['mail.account-deleted.text'], after: [] })
}

function plainMail(kind: Exclude<MailKind, 'account-deleted'>): Layout {
  return { subject: `mail.${kind}.subject`, before: [`mail.${kind}.text`], after: [`mail.${kind}.after`] }
}

function linkMail(kind: 'verify-email' | 'forgot-password' | 'change-email' | 'password-off' | 'email-changed'): Layout {
  return { ...plainMail(kind), button: `mail.${kind}.button` }
}

/** In the words of the language, with the digits that addresses and codes have. */
function duration(ms: number, language: string): string {
  const minutes = Math.max(1, Math.round(ms / 60_000))
  const [count, unit] =
    minutes % 1440 === 0 && minutes > 1440 ? [minutes / 1440, 'day'] : minutes % 60 === 0 ? [minutes / 60, 'hour'] : [minutes, 'minute']
  return new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long', numberingSystem: 'latn' }).format(count)
}

const rightToLeft = new Set(['ar', 'ckb', 'dv', 'fa', 'he', 'ps', 'sd', 'ug', 'ur', 'yi'])

/** Whether mails of this kind carry a link. */
export function hasLink(kind: MailKind): boolean {
  return (
    kind === 'verify-email' ||
    kind === 'forgot-password' ||
    kind === 'change-email' ||
    kind === 'email-changed' ||
    kind === 'login-code' ||
    kind === 'password-off'
  )
}

const codeStyle = 'font: bold 2em monospace; letter-spacing: 0.15em'

/** Before what begins with digits between words from right to left: or the groups of an IPv6 address would change places. */
const leftToRightMark = '\u200e'

/** Each value keeps the direction that it has by itself: or the slash at the end of an address would stand before it. */
function isolateValues(text: string, values: Readonly<Record<string, string>>): Html {
  const parts = text.split(/(\{\w+\})/).map((part) => {
    const filled = fillText(part, values)
    return filled === part ? html`${part}` : html`<bdi>${filled}</bdi>`
  })
  return new Html(parts.join(''))
}

/**
 * The mail as text and HTML, in the language of its recipient; values are data in both. No picture and no address but the link's: nothing to
 * track, nothing to load.
 */
export function renderMessage<K extends MailKind>(
  kind: K,
  parameters: MailParameters[K] & MailLanguage,
  context: MailContext,
  link: string | null
): Message {
  const { subject, before, button, after } = layouts[kind](parameters, link !== null)
  const footer: TextCode[] = context.contact === '' ? [] : ['mail.contact']
  const codes: TextCode[] = ['mail.hello', subject, ...before, ...(button === undefined ? [] : [button]), ...after, ...footer]
  const { language, texts } = context.messages.together(codes, parameters.language ?? null)
  const { username, ip = '', lifetime = 0 } = parameters as { username: string; ip?: string; lifetime?: number }
  const { siteName, loginUrl, contact } = context
  const values = { username, ip, siteName, loginUrl, contact, duration: duration(lifetime, language) }
  const rtl = rightToLeft.has(language.split('-', 1)[0]!)
  // Parted before the values are put in: a line break in one of them would begin no paragraph.
  const parts = (some: readonly TextCode[]) => some.flatMap((code) => texts[code].split(/\s*\n\s*/)).filter((part) => part !== '')
  const said = { before: parts(['mail.hello', ...before]), after: parts([...after, ...footer]) }
  const asText = (part: string) => fillText(part, rtl ? { ...values, ip: leftToRightMark + ip } : values)
  const asHtml = (part: string) => html`<p>${rtl ? isolateValues(part, values) : fillText(part, values)}</p> `
  const title = fillText(texts[subject].trim().replace(/\s*[\r\n]\s*/g, ' '), values)
  const body: Html[] = [
    ...said.before.map(asHtml),
    ...(link === null
      ? []
      : [
          button === undefined
            ? html`<p dir="ltr" style="${codeStyle}">${link}</p> `
            : html`<p><a href="${link}">${fillText(texts[button], values)}</a></p>
                <p dir="ltr">${link}</p> `
        ]),
    ...said.after.map(asHtml)
  ]
  return {
    subject: title,
    language,
    text: `${[...said.before.map(asText), ...(link === null ? [] : [link]), ...said.after.map(asText)].join('\n\n')}\n`,
    html: `<!doctype html>\n<html lang="${language}" dir="${rtl ? 'rtl' : 'ltr'}"><head><meta charset="utf-8"><title>${html`${title}`.text}</title></head><body>\n${body.join('')}</body></html>\n`
  }
}
