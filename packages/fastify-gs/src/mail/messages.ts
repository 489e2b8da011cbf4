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
}

const plural = (count: number, unit: string) => `${count} ${unit}${count === 1 ? '' : 's'}`
const duration = (ms: number) => {
  const minutes = Math.round(ms / 60_000)
  if (minutes % 1440 === 0 && minutes > 1440) return plural(minutes / 1440, 'day')
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

const contents: { [K in MailKind]: (parameters: MailParameters[K], context: MailContext, linked: boolean) => Content } = {
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
  'forgot-password': ({ username, ip, lifetime, byAdmin = false }, { siteName, loginUrl }) => ({
    subject: `Set a new password for ${siteName}`,
    before: [
      `Hello ${username},`,
      byAdmin
        ? `the people who run ${siteName} have made the password of your account void and logged you out everywhere. Set a new one here:`
        : `somebody (from the address ${ip}) asked for a new password for your account at ${siteName}. If it was you, go on here:`
    ],
    button: 'Set a new password',
    after: [
      `The link works once and for ${duration(lifetime)}.`,
      byAdmin
        ? `Later ones you get with "Forgot password?": ${loginUrl}`
        : 'If it was not you, ignore this mail: your password stays as it is.'
    ]
  }),
  'change-email': ({ username, ip, lifetime }, { siteName }) => ({
    subject: `Confirm your new address for ${siteName}`,
    before: [
      `Hello ${username},`,
      `somebody (from the address ${ip}) asked to make this the e-mail address of the account "${username}" at ${siteName}. If it was you, please confirm it:`
    ],
    button: 'Confirm my new address',
    after: [
      `The link works once and for ${duration(lifetime)}; until then the account keeps the address it has.`,
      'If it was not you, do not open the link: nothing changes without it.'
    ]
  }),
  // The code stands in the place of the link.
  'login-code': ({ username, ip, lifetime }, { siteName }) => ({
    subject: `Your code for ${siteName}`,
    before: [
      `Hello ${username},`,
      `somebody (from the address ${ip}) wants to log in to your account at ${siteName}. If it is you, type this code:`
    ],
    after: [
      `It works once and for ${duration(lifetime)}. Tell it to nobody: the people who run the site never ask for it.`,
      'If it is not you, ignore this mail: without the code nobody gets in.'
    ]
  }),
  'password-off': ({ username, lifetime }, { siteName }) => ({
    subject: `The password of your account at ${siteName} is off`,
    before: [
      `Hello ${username},`,
      `somebody has tried so many wrong passwords for your account at ${siteName} that it takes none any more. Devices that are logged in stay so. Switch it on again here, and choose a new one if the old one was easy to guess:`
    ],
    button: 'Switch my password on again',
    after: [`The link works once and for ${duration(lifetime)}. Later ones you get with "Forgot password".`]
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
  'email-in-use': ({ username, ip }, { siteName }) => ({
    subject: `Your address is in use at ${siteName}`,
    before: [
      `Hello ${username},`,
      `somebody (from the address ${ip}) asked to make this the e-mail address of another account at ${siteName}. It belongs to your account "${username}", so no other account can have it.`,
      'If it was you, change the address of this account first, or delete this account.'
    ],
    after: ['If it was not you, there is nothing you need to do.']
  }),
  // Not to which one: this mailbox may not be the person's any more.
  'email-changed': ({ username, ip, lifetime }, { siteName }, linked) => ({
    subject: `Your e-mail address for ${siteName} was changed`,
    before: [
      `Hello ${username},`,
      `the account "${username}" at ${siteName} has another e-mail address now (changed from the address ${ip}). No more mail about it comes here.`,
      ...(linked ? ['If it was not you, take the account back:'] : [])
    ],
    button: 'Undo the change',
    after: linked
      ? [
          `The link works once and for ${duration(lifetime)}. It brings this address back, logs out all devices, and lets you set a new password.`,
          'If it was you, there is nothing you need to do.'
        ]
      : [
          'It cannot be undone any more: the account has been deleted since. If that was not you, please write to the people who run the site.'
        ]
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
  return (
    kind === 'verify-email' ||
    kind === 'forgot-password' ||
    kind === 'change-email' ||
    kind === 'email-changed' ||
    kind === 'login-code' ||
    kind === 'password-off'
  )
}

const paragraphs = (texts: readonly string[]): Html[] => texts.map((text) => html`<p>${text}</p> `)

/** The mail as text and HTML; values are data in both. No picture and no address but the link's: nothing to track, nothing to load. */
export function renderMessage<K extends MailKind>(
  kind: K,
  parameters: MailParameters[K],
  context: MailContext,
  link: string | null
): Message {
  const { subject, before, button, after } = contents[kind](parameters, context, link !== null)
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
