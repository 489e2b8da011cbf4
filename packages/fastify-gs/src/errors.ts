import createError, { type FastifyErrorConstructor } from '@fastify/error'

/** Every refusal that a client can meet: its stable code, a sentence for people, and its HTTP status. The code is API, the sentence is not. */
const table = {
  GS_BODY_INVALID: ['The request body is not valid: %s', 400],
  GS_QUERY_INVALID: ['The request address is not valid: %s', 400],
  GS_BODY_TOO_LARGE: ['The request body is too large; 16 KiB is the limit.', 413],
  GS_CONTENT_TYPE: ['Send a form (application/x-www-form-urlencoded), or JSON (application/json) where it is taken.', 415],
  GS_USERNAME_INVALID: ['%s', 400],
  GS_USERNAME_TAKEN: ['This user name is taken. Please choose another one.', 409],
  GS_EMAIL_INVALID: ['%s', 400],
  GS_PASSWORD_WEAK: ['%s', 400],
  GS_PASSWORD_INVALID: ['%s', 400],
  GS_CREDENTIALS: ['The user name or the password is wrong.', 401],
  GS_ACCOUNT_LOCKED: ['This account is locked. Please ask the people who run this site.', 403],
  GS_ACCOUNT_UNKNOWN: ['There is no such account.', 404],
  GS_CURRENT_PASSWORD: ['The current password is wrong.', 403],
  GS_CURRENT_PASSWORD_REQUIRED: ['Please enter your current password.', 400],
  GS_LINK_INVALID: ['This link is not valid. It may have been cut off by the mail program.', 400],
  GS_LINK_EXPIRED: ['This link has expired. Please ask for a new one.', 400],
  GS_LINK_USED: ['This link has already been used, or a newer one was sent.', 400],
  GS_EMAIL_TAKEN: ['Another account has confirmed this address before. Delete that one or give it another address, then try again.', 409],
  GS_EMAIL_SAME: ['This is the address of your account already.', 400],
  GS_SESSION_UNKNOWN: ['This session has ended already.', 404],
  GS_MAIL_UNKNOWN: ['This mail is not in the queue any more.', 404],
  GS_SECTOR_UNKNOWN: ['There is no sector of this name: %s', 400],
  GS_RANK: ['You may only change accounts below your own, and grant levels below your own.', 403],
  GS_NOT_LOGGED_IN: ['Please log in first.', 401],
  GS_PASSWORD_CHANGE_REQUIRED: ['Please choose a new password first.', 403],
  GS_CODE_INVALID: ['This code is wrong, or it has expired. Please ask for a new one.', 401],
  GS_SESSION_REFUSED: ['%s', 403],
  GS_LOGIN_REFUSED: ['%s', 403],
  GS_SESSION_LIMIT: ['You are logged in on as many devices as this site allows. Please log out on another one first.', 403],
  GS_SESSIONS_FULL: ['There are more visitors than this site can take at the moment. Please try again later.', 503],
  GS_CSRF: ['This form does not belong to your session any more. Please load the page again.', 403],
  GS_DATA_TOO_LARGE: ['This is more than a session can hold: %s', 413],
  GS_SETTING_INVALID: ['%s', 400],
  GS_GROUP_INVALID: ['%s', 400],
  GS_GROUP_UNKNOWN: ['There is no such group.', 404],
  GS_GROUP_TAKEN: ['There is a group of this name already.', 409],
  GS_FORBIDDEN: ['Your account may not do this.', 403],
  GS_NOT_FOUND: ['There is nothing here.', 404],
  GS_CROSS_SITE: ['This request came from another site and was refused.', 403],
  GS_CONFIGURED_ADMIN: ['This account is defined in the configuration of the server; change it there.', 403],
  GS_CONFLICT: ['The account was changed at the same moment. Please try again.', 409],
  GS_TOO_MANY_ATTEMPTS: ['Too many attempts. Please wait and try again.', 429],
  GS_PASSWORD_DISABLED: ['Too many wrong passwords. Use "Forgot password" to set a new one.', 429],
  GS_TOO_MANY_SOCKETS: ['There are too many open connections. Please close some windows and try again.', 429],
  GS_BUSY: ['The server is busy. Please try again in a moment.', 503],
  GS_UPSTREAM: ['The server that should answer here does not.', 502],
  GS_INTERNAL: ['Something went wrong on the server.', 500]
} as const satisfies Record<string, readonly [message: string, status: number]>

/** The stable code of a refusal, e.g. `GS_CREDENTIALS`. */
export type GsErrorCode = keyof typeof table

/** Details of refusals whose sentence depends on the case; `{name}` stands for a value. */
const reasons = {
  'reason.username.form': "A user name begins with a letter or digit and has only letters, digits, and . _ - ' in it.",
  'reason.username.length': 'A user name has 2 to 32 characters.',
  'reason.username.address': 'A user name cannot look like the address of a web site.',
  'reason.username.alphabets': 'A user name is written in one alphabet; this one mixes several.',
  'reason.username.marks': 'A user name cannot have that many marks on one letter.',
  'reason.username.confirm': 'Please type your user name here, to confirm that you mean it.',
  'reason.email': 'This is not an e-mail address that mail can be sent to, like name@example.com.',
  'reason.password.short': 'Use at least {count} characters; several words make a good password.',
  'reason.password.personal': 'Do not use your name, your address or the name of this site as the password.',
  'reason.password.common': 'This password is among the first that attackers try. Please choose another one.',
  'reason.password.damaged': 'The password contains characters that are damaged.',
  'reason.password.long': 'The password is too long; 1024 bytes are the limit.',
  'reason.password.same': 'This is the password that you have. Please choose another one.',
  'reason.password.repeat': 'The two passwords are not the same.',
  'reason.session.refused': 'This site does not take new visitors at the moment.',
  'reason.login.refused': 'You may not log in at the moment.',
  'reason.group.name':
    "The name of a group begins with a letter or digit, has only letters, digits, and . _ - ' in it, and 64 characters at most.",
  'reason.group.level': 'The level of a group is a whole number from {lowest} to {highest}.'
} as const

/** A detail that is told in the language of the visitor. */
export type GsReasonCode = keyof typeof reasons

/** The sentences of this table in English, with `{reason}` and other `{name}`s where a value stands. */
export const englishSentences: Readonly<Record<GsErrorCode | GsReasonCode, string>> = {
  ...(Object.fromEntries(Object.entries(table).map(([code, [message]]) => [code, message.replace('%s', '{reason}')])) as Record<
    GsErrorCode,
    string
  >),
  ...reasons
}

/** Puts the values in the place of `{name}`; once, so that a value is never read as a text. A name without value stays. */
export function fillText(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (Object.hasOwn(values, name) ? String(values[name]) : whole))
}

const constructors = new Map<string, FastifyErrorConstructor>(
  Object.entries(table).map(([code, [message, status]]) => [code, createError(code, message, status)])
)

/** What `GsError` may carry besides its code. */
export interface GsErrorDetails {
  /** The form field the refusal is about. */
  readonly field?: string
  /** Fills the sentence of codes whose sentence depends on the case. */
  readonly reason?: string
  /** The same, of those that there are in all languages. */
  readonly reasonCode?: GsReasonCode
  /** Fill the sentence of `reasonCode`. */
  readonly values?: Readonly<Record<string, string | number>>
  /** Seconds after which a new attempt makes sense; sent as `Retry-After`. */
  readonly retryAfter?: number
}

/** A refusal with a stable code; answered as `{ statusCode, code, error, message, field? }`. */
export interface GsError extends Error {
  readonly code: GsErrorCode
  readonly statusCode: number
  readonly field?: string
  readonly retryAfter?: number
}

/** Makes (does not throw) the refusal with this code. */
export function gsError(code: GsErrorCode, details: GsErrorDetails = {}): GsError {
  const Constructor = constructors.get(code)!
  const { field, reasonCode, retryAfter, values = {} } = details
  const reason = reasonCode === undefined ? details.reason : fillText(reasons[reasonCode], values)
  const made = reason === undefined ? new Constructor() : new Constructor(reason)
  const error = Object.assign(made, field !== undefined && { field }, retryAfter !== undefined && { retryAfter }) as unknown as GsError
  detailsOf.set(error, details)
  return error
}

const detailsOf = new WeakMap<GsError, GsErrorDetails>()

/** What a refusal was made with. */
export function errorDetails(error: GsError): GsErrorDetails {
  return detailsOf.get(error) ?? {}
}

/** Whether a thrown value is one of ours. */
export function isGsError(error: unknown): error is GsError {
  return error instanceof Error && constructors.has((error as { code?: string }).code ?? '')
}

/** A wrong option. Thrown while registering, never during a request. */
export class GsOptionError extends TypeError {
  override readonly name = 'GsOptionError'
  readonly code = 'GS_OPTION'
}

/** Something outside the options keeps the plugin from starting: the database cannot be opened, is foreign or newer. */
export class GsStartError extends Error {
  override readonly name = 'GsStartError'
  readonly code = 'GS_START'
}
