import type { AuthLevelName } from './accounts/auth-level.ts'
import type { SessionInfo } from './api.ts'
import type { GsLevels, GsSessionData } from './app-types.ts'
import { GsOptionError } from './errors.ts'

/** Ours, and those of the option `levels` (merge them into `GsLevels` for the compiler). */
export type LevelName = AuthLevelName | Extract<keyof GsLevels, string>

/** A mail as the flows hand it over: one recipient, plain text and an HTML form of the same. */
export interface Mail {
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly html: string
  /** BCP 47 tag of what it is written in. */
  readonly language?: string
  /** The same for each attempt to send one mail, without angle brackets. */
  readonly messageId: string
}

/** Sends mail. A rejection is retried later; one with `permanent: true` is not. */
export interface Mailer {
  send(mail: Mail): Promise<void>
  close(): Promise<void> | void
}

/** Hashes and verifies passwords; replace it to use another algorithm or library. */
export interface PasswordHasher {
  /** A PHC string of this password with the current parameters. */
  readonly hash: (password: Buffer) => Promise<string>
  /** Whether the password belongs to the stored hash. Never throws for a damaged hash: it is simply not verified. */
  readonly verify: (password: Buffer, stored: string) => Promise<boolean>
  /** Whether the stored hash should be replaced after a successful login. */
  readonly needsRehash: (stored: string) => boolean
}

/**
 * How passwords were hashed in a system that accounts come from. A stored hash that begins with the prefix is verified by it; after the
 * first login with the right password it is replaced by one of the current kind.
 */
export interface LegacyHash {
  /** Letters, digits and - between two $, like `$lwsgs-sha1$`. What stands behind it is this kind's own business. */
  readonly prefix: string
  /**
   * Whether the password (NFC, UTF-8) belongs to the stored hash, which begins with the prefix. Compares in constant time; false for
   * damaged hashes. Its work comes on top of that of a current hash.
   */
  readonly verify: (password: Buffer, stored: string) => boolean | Promise<boolean>
}

export interface GsMailOptions {
  /** The mail server: `smtp://host:587`, `smtps://user:password@host`. Other hosts than this one need TLS (`smtps:`, or STARTTLS with `smtp:`). */
  readonly smtp?: string
  /** Your own sender instead of `smtp`. */
  readonly mailer?: Mailer
  /** Sender: `name@example.com` or `Name <name@example.com>`. */
  readonly from: string
  /** Where people can ask; named in the mails. Default: nothing. */
  readonly contact?: string
  /** Send to a mail server on another host without encryption. Default: false. */
  readonly allowInsecure?: boolean
}

/** Requests that one address (IPv4, or IPv6 /64) may make, within a time in seconds. */
export interface RateLimit {
  readonly max: number
  readonly seconds: number
}

export interface GsRateLimits {
  /** Log in, change password, delete account. Default: 60 in 60 s. */
  readonly login?: RateLimit
  /** Sign up. Default: 60 in 3600 s. */
  readonly register?: RateLimit
  /** Forgot password, resend verification, change of the address: what sends mail. Default: 30 in 3600 s. */
  readonly mail?: RateLimit
  /** Links from mails. Default: 60 in 60 s. */
  readonly link?: RateLimit
  /** Look-up of a user name. Default: 120 in 60 s. */
  readonly check?: RateLimit
}

/** What becomes of the application's data when a session turns into another one: all of it, nothing, or what the function makes of it. */
export type CarryRule = 'keep' | 'drop' | ((data: Partial<GsSessionData>) => Partial<GsSessionData>)

export interface GsSessionDataOptions {
  /** The most that one session holds, in bytes of its JSON. Default: 16384. */
  readonly maxBytes?: number
  /** What somebody who logs in keeps of his anonymous session. Default: `keep`. */
  readonly onLogin?: CarryRule
  /** What the browser keeps when its logged-in session is over, by logout or by time. Default: `drop`. */
  readonly onLogout?: CarryRule
  /** How many anonymous sessions may hold data. Default: 100000. */
  readonly maxAnonymous?: number
  /** The same for one client address (IPv6: /64). Default: 1000. */
  readonly maxAnonymousPerAddress?: number
}

export interface GsSessionOptions {
  /**
   * Name of the cookie; over https the prefix `__Host-` is added. Two names, like `{ anonymous: 'as', loggedIn: 'ls' }`, make two cookies,
   * of which a browser has one at a time. Default: `gs`.
   */
  readonly cookieName?: string | { readonly anonymous: string; readonly loggedIn: string }
  /**
   * Seconds after which the token of a session is renewed when its browser opens a page; the former one goes on until the new one has been
   * used, and a minute longer. 0: never. Default: 86400.
   */
  readonly renewal?: number
  /** Logged-in sessions that one account may have. Default: 100. */
  readonly perAccount?: number
  /** What a login does that is one too many: it ends the session that was used least recently, or is refused (`GS_SESSION_LIMIT`). Default: `end-oldest`. */
  readonly whenFull?: 'end-oldest' | 'refuse'
  /** Logged-in sessions of all accounts; beyond that logins are refused with 503 (`GS_SESSIONS_FULL`). Default: 1000000. */
  readonly total?: number
  readonly data?: GsSessionDataOptions
  /** Seconds without a request after which a logged-in session ends. Default: 3600. */
  readonly idle?: number
  /** Seconds after login at which a session ends at the latest. Default: 86400. */
  readonly absolute?: number
  /** Both, for "keep me logged in". Default: 2592000 (30 days, the most NIST SP 800-63B-4 advises). */
  readonly remembered?: number
  /** Seconds without a request after which an anonymous session ends. Default: 1200. */
  readonly anonymousIdle?: number
  /** Seconds after which an anonymous session ends at the latest. Default: 86400. */
  readonly anonymousAbsolute?: number
  /** "Last active" is written at most once in so many seconds for each session; half of `idle` at most. Default: 60. */
  readonly activityInterval?: number
}

/** A secret that goes into password hashes and is kept outside of the database. */
export interface Pepper {
  /** Stands in the hashes (`keyid`, for which the PHC string format has 8 bytes): letters, digits, `-` and `_`, 8 at most. */
  readonly id: string
  /** 32 bytes or more; make one with `openssl rand -base64 32`. */
  readonly secret: string
}

/** A code by mail that logs in once. */
export interface GsLoginCodeOptions {
  /** Seconds for which a code counts, 60 to 3600. Default: 900. */
  readonly life?: number
  /** Digits of a code, 6 to 10. Default: 8. */
  readonly digits?: number
  /** Wrong codes after which a code is void, 1 to 10. Default: 5. */
  readonly tries?: number
}

/** How wrong passwords slow an account down. */
export interface GsAttemptsOptions {
  /**
   * Failures on one account, and the seconds that must pass after the last one before the next attempt from an unknown browser. Default:
   * `[[10, 60], [25, 3600], [100, 86400]]`.
   */
  readonly ladder?: readonly (readonly [failures: number, seconds: number])[]
  /**
   * Failures after which the password of the account is off, and its owner gets a mail to switch it on again. Default: 1000; NIST SP
   * 800-63B-4, 3.2.2, wants 100 or less.
   */
  readonly lockAfter?: number
}

export interface GsPasswordOptions {
  /**
   * Common passwords that are refused: so many of the list that comes with fastify-gs (at most 49000), the most common first of those that
   * are long enough, and as many of any length for passwords that repeat one of them; or your own; `false`: none. The whole password is
   * compared, without case. Default: 10000.
   */
  readonly blocklist?: number | readonly string[] | false
  /**
   * Secrets that go into the hashes (the "confounder"): the first is used, all verify. To replace one put the new one first; hashes follow at
   * the next logins. Default: none.
   */
  readonly peppers?: readonly Pepper[]

  /** Shortest password in characters (code points), 8 or more. Default: 15 (NIST SP 800-63B-4 for passwords as the only factor). */
  readonly minLength?: number
  /** Words that are no passwords here, besides the site's name and host. Default: none. */
  readonly contextWords?: readonly string[]
  /** Another algorithm or library. Default: argon2id of Node, m=19456 t=2 p=1. */
  readonly hasher?: PasswordHasher
  /** Hashes of older systems that are accepted until the next login replaces them; for lwsgs `lwsgsHashes({ confounder })`. Default: none. */
  readonly legacy?: readonly LegacyHash[]
  /** Hashes that run at once. Default: `min(cores, UV_THREADPOOL_SIZE − 2)`, at least 1. */
  readonly concurrency?: number
  /** Hashes that may wait; one more answers 503. Default: 50 for each that runs. */
  readonly maxWaiting?: number
}

/** What a symbol in a rewritten file is replaced by, for one session. */
export type SymbolValue = (session: SessionInfo) => string | number | boolean | null

/** For sites that come from libwebsockets' generic-sessions. */
export interface GsLwsgsOptions {
  /** Path of the own origin that is put before the targets that forms give (`good`, `bad`, …). Default: none, targets are relative to the form. */
  readonly urlroot?: string
  /** Where the confirmation of an address leads; relative to the prefix, e.g. `post-verify-ok.html`. Default: the login page with a notice. */
  readonly verifiedPage?: string
  /** Where a confirmation leads that fails; relative to the prefix. Default: a page with the reason. */
  readonly verifyFailedPage?: string
}

/** Limits of one websocket of the application's routes. */
export interface GsSocketLimits {
  /** Bytes of one message; a larger one closes with 1009. Default: 65536. */
  readonly maxMessage?: number
  /** Messages, pings and pongs that a client may send per second, over time; more close with 1008. Default: 20. */
  readonly messagesPerSecond?: number
  /** The same at once. Default: 100. */
  readonly burst?: number
  /**
   * Bytes that may wait for a reader who takes nothing: the `send` that would exceed them breaks the socket off, unless nothing waits before
   * it. Default: 1048576.
   */
  readonly maxBuffered?: number
  /** Whether a message of the client counts as a use of its session, so that it does not end idle. Default: false. */
  readonly activity?: boolean
}

export interface GsSocketOptions extends GsSocketLimits {
  /** Seconds between two pings; who has not answered until the next one is gone. Default: 30. */
  readonly pingInterval?: number
  /** Sockets that one logged-in session may have open; further ones are refused with 429. Default: 20. */
  readonly perSession?: number
  /** Sockets that all sessions of an account may have open in one process. Default: 100. */
  readonly perAccount?: number
  /** Sockets of visitors who are not logged in from one group of addresses (IPv6: /64), in one process. Default: 100. */
  readonly perAddress?: number
  /** Further origins whose pages may open websockets, like `https://app.example.com`. Default: none, only the own one. */
  readonly origins?: readonly string[]
  /** Whether programs that send no `Origin` may open websockets. Default: false. */
  readonly allowNoOrigin?: boolean
}

export interface GsOptions {
  /** The public origin, e.g. `https://example.com`: for links in mails, the cookie's attributes and the check of `Origin`. Never taken from the request. */
  readonly baseUrl: string
  /** Secrets of at least 32 bytes: the first signs, all verify. To replace a key put the new one first and drop the old one a day later. */
  readonly keys: readonly string[]
  /** A file path (or `:memory:`) for SQLite, or the address of a PostgreSQL database (needs the package `pg`). */
  readonly database: { readonly sqlite: string } | { readonly postgres: string }
  readonly mail: GsMailOptions
  /** Where the calls and pages live. Default: `/lwsgs`. */
  readonly prefix?: string
  /** Name of the site in mails and pages. Default: the host of `baseUrl`. */
  readonly siteName?: string
  /** Page to which visitors who are not logged in are sent. Default: the prefix and `/`. */
  readonly loginPage?: string
  /** An admin who lives in the configuration; `passwordHash` comes from `hashPassword()`. Default: none. */
  readonly admin?: { readonly username: string; readonly passwordHash: string; readonly email?: string }
  /** Names of the application's own mask bits: the first is bit 4, at most 28. Default: none. */
  readonly sectors?: readonly string[]
  /** User names that nobody may register, besides `admin`, `root` and the like. Default: none. */
  readonly reservedNames?: readonly string[]
  readonly session?: GsSessionOptions
  readonly password?: GsPasswordOptions
  readonly attempts?: GsAttemptsOptions
  /** Whether people can log in with a code that is mailed to them. Default: false. */
  readonly loginCodes?: boolean | GsLoginCodeOptions
  /**
   * What routes and mounts ask that have no policy of their own; theirs counts before it, in both directions. `nobody`: only what has a policy
   * can be reached. Default: none, nothing is asked.
   */
  readonly defaultLevel?: LevelName | number
  /** Names of levels of your own, from 3 to 124: `{ editor: 35 }`. Default: none. */
  readonly levels?: Readonly<Record<string, number>>
  /**
   * Languages that the site speaks in mails and messages besides that of the option `language` and those of `messages`: some of `en`, `de`, `es`,
   * `fr`, `ja`, `ar`. Default: none.
   */
  readonly languages?: readonly string[]
  /** Language of mails and messages for who has chosen none, a BCP 47 tag. Default: `en`. */
  readonly language?: string
  /**
   * Messages of your own, or in the place of ours, by language and code: `{ de: { GS_CREDENTIALS: '…', 'my-code': '…' } }`. Default: none.
   */
  readonly messages?: Readonly<Record<string, Readonly<Record<string, string>>>>
  /**
   * Life of mailed links in seconds. `verifyEmail` (default 86400), for the proof of an address at sign-up and of a new one, is also the life
   * of accounts that are never verified; `forgotPassword` (default 1800) at most 86400; `undoEmail` (default 604800, 7 days), for the former
   * mailbox to take a change of the address back, 86400 (a mail may be on its way for that long) to 2592000.
   */
  readonly links?: { readonly verifyEmail?: number; readonly forgotPassword?: number; readonly undoEmail?: number }
  /** Limits per client address; `false` turns them off. */
  readonly rateLimits?: GsRateLimits | false
  readonly lwsgs?: GsLwsgsOptions
  /** Whether the calls for admins below `/admin/` exist: accounts, sessions, mail and audit for who has the level 50 or more. Default: true. */
  readonly adminApi?: boolean
  /**
   * Symbols of your own for files that are rewritten (`interpret` of a mount): `{ $theme: (session) => 'dark' }`. The value is escaped for
   * the kind of file; null becomes the empty text. `$lwsgs_user`, `$lwsgs_auth` and `$lwsgs_email` are always there. Default: none.
   */
  readonly symbols?: Readonly<Record<string, SymbolValue>>
  /** Limits of websockets, which routes may replace by `config: { gsSocket: … }`. */
  readonly sockets?: GsSocketOptions
  /** The clock, ms since 1970; for tests. Default: `Date.now`. */
  readonly now?: () => number
}

/** Options with all defaults, checked; times in ms. */
export interface ResolvedOptions {
  readonly origin: string
  readonly secure: boolean
  readonly keys: readonly string[]
  readonly database: { readonly sqlite: string } | { readonly postgres: string }
  readonly mail: {
    readonly smtp: URL | null
    readonly mailer: Mailer | null
    readonly from: { readonly name: string; readonly address: string }
    readonly contact: string
    readonly allowInsecure: boolean
  }
  readonly prefix: string
  readonly siteName: string
  readonly loginPage: string
  readonly admin: { readonly username: string; readonly passwordHash: string; readonly email: string | null } | null
  readonly sectors: readonly string[]
  readonly reservedNames: readonly string[]
  readonly session: {
    /** The same name twice: one cookie. */
    readonly cookieNames: { readonly anonymous: string; readonly loggedIn: string }
    /** ms; 0: never. */
    readonly renewal: number
    readonly perAccount: number
    readonly whenFull: 'end-oldest' | 'refuse'
    readonly total: number
    readonly data: Required<GsSessionDataOptions>
    readonly limits: { readonly idle: number; readonly absolute: number; readonly remembered: number }
    readonly ticketLimits: { readonly idle: number; readonly absolute: number }
    readonly activityInterval: number
  }
  readonly password: {
    readonly minLength: number
    readonly contextWords: readonly string[]
    readonly hasher: PasswordHasher | null
    readonly legacy: readonly LegacyHash[]
    readonly concurrency: number | null
    readonly maxWaiting: number | null
    readonly blocklist: number | readonly string[] | false
    readonly peppers: readonly Pepper[]
  }
  /** Ascending; times in ms. */
  readonly attempts: { readonly ladder: readonly { readonly failures: number; readonly wait: number }[]; readonly lockAfter: number }
  /** Null: off. `life` in ms. */
  readonly loginCodes: { readonly life: number; readonly digits: number; readonly tries: number } | null
  readonly defaultLevel: number
  readonly levels: Readonly<Record<string, number>>
  readonly language: string
  /** Canonical tags, that of `language` first. */
  readonly languages: readonly string[]
  readonly messages: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly links: { readonly verifyEmail: number; readonly forgotPassword: number; readonly undoEmail: number }
  readonly rateLimits: Required<GsRateLimits> | null
  readonly adminApi: boolean
  /** Paths; `urlroot` without the slash at its end. */
  readonly lwsgs: { readonly urlroot: string | null; readonly verifiedPage: string | null; readonly verifyFailedPage: string | null }
  readonly symbols: Readonly<Record<string, SymbolValue>>
  /** `pingInterval` in ms. */
  readonly sockets: Required<GsSocketOptions>
  readonly now: () => number
}

const refuse = (message: string): never => {
  throw new GsOptionError(`fastify-gs: ${message}`)
}

function onlyKnown(value: unknown, where: string, known: readonly string[]): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(`the option ${where} must be an object.`)
  for (const key of Object.keys(value as object)) {
    if (!known.includes(key))
      refuse(`the option ${where === 'options' ? '' : `${where}.`}${key} is not known; known are ${known.join(', ')}.`)
  }
}

function text(value: unknown, name: string, cure: string): string {
  if (typeof value !== 'string' || value === '' || !value.isWellFormed() || /\p{Cc}/u.test(value))
    refuse(`the option ${name} must be ${cure}.`)
  return value as string
}

const optionalText = (value: unknown, name: string, cure: string): string | null => (value === undefined ? null : text(value, name, cure))

function texts(value: unknown, name: string): readonly string[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) refuse(`the option ${name} must be a list of texts.`)
  return (value as unknown[]).map((item, index) => text(item, `${name}[${index}]`, 'a text'))
}

function count(value: unknown, name: string, fallback: number, min: number, max: number, unit: string): number {
  if (value === undefined) return fallback
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    refuse(`the option ${name} must be a whole number of ${unit} from ${min} to ${max}; it is ${JSON.stringify(value)}.`)
  }
  return value as number
}

const year = 31_536_000
const milliseconds = (value: unknown, name: string, fallback: number, max = 10 * year) =>
  count(value, name, fallback, 1, max, 'seconds') * 1000

function resolveOrigin(value: unknown): URL {
  const cure = 'the public origin of the site, like "https://example.com", without path'
  const given = text(value, 'baseUrl', cure)
  if (!URL.canParse(given)) return refuse(`the option baseUrl must be ${cure}.`)
  const url = new URL(given)
  if (
    (url.protocol !== 'https:' && url.protocol !== 'http:') ||
    url.pathname !== '/' ||
    url.search !== '' ||
    url.hash !== '' ||
    url.username !== ''
  ) {
    refuse(`the option baseUrl must be ${cure}.`)
  }
  return url
}

/** Examples from the documentation must not become somebody's secret. */
const sampleKeys = new Set(['change-me-change-me-change-me-change-me', 'a secret of at least thirty-two bytes'])

/** @throws {GsOptionError} */
export function resolveKeys(value: unknown): readonly string[] {
  if (!Array.isArray(value) || value.length === 0) {
    return refuse('the option keys must be a list with at least one secret of 32 bytes or more; make one with `openssl rand -base64 32`.')
  }
  for (const [index, key] of (value as unknown[]).entries()) {
    if (typeof key !== 'string' || Buffer.byteLength(key) < 32)
      refuse(`the option keys[${index}] must be a text of 32 bytes or more; make one with \`openssl rand -base64 32\`.`)
    if (sampleKeys.has(key as string) || new Set(key as string).size < 8)
      refuse(`the option keys[${index}] is an example or trivial; make one with \`openssl rand -base64 32\`.`)
  }
  return [...(value as string[])]
}

/** @throws {GsOptionError} */
export function resolveDatabase(value: unknown): ResolvedOptions['database'] {
  const cure = 'the option database must be { sqlite: "path/to/file" } or { postgres: "postgres://…" }.'
  if (typeof value !== 'object' || value === null || Object.keys(value).length !== 1) return refuse(cure)
  const { sqlite, postgres } = value as { sqlite?: unknown; postgres?: unknown }
  if (typeof sqlite === 'string' && sqlite !== '') return { sqlite }
  if (typeof postgres === 'string' && /^postgres(ql)?:\/\//.test(postgres) && URL.canParse(postgres)) return { postgres }
  return refuse(cure)
}

const isDecodable = (text: string) => {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

/** `name@host` or `Name <name@host>`; hosts without a dot are fine for a sender. */
const senderPattern =
  /^(?:(?<name>[^<>"@,;:\\]*[^<>"@,;:\\ ]) *<(?<inner>[^<>@\s,;:"\\()]+@[A-Za-z0-9.-]+)>|(?<plain>[^<>@\s,;:"\\()]+@[A-Za-z0-9.-]+))$/

function resolveMail(value: unknown): ResolvedOptions['mail'] {
  onlyKnown(value, 'mail', ['smtp', 'mailer', 'from', 'contact', 'allowInsecure'])
  const mail = value as GsMailOptions
  if ((mail.smtp === undefined) === (mail.mailer === undefined))
    refuse('the option mail needs either smtp (an address) or mailer (your own sender).')
  let smtp: URL | null = null
  if (mail.smtp !== undefined) {
    const cure = 'an address like "smtp://mail.example.com:587" or "smtps://user:password@mail.example.com"'
    const given = text(mail.smtp, 'mail.smtp', cure)
    if (!URL.canParse(given)) return refuse(`the option mail.smtp must be ${cure}.`)
    smtp = new URL(given)
    if (!isDecodable(smtp.username) || !isDecodable(smtp.password))
      refuse('the option mail.smtp has a % in user or password that is not part of a code like %40; write it as %25.')
    if ((smtp.protocol !== 'smtp:' && smtp.protocol !== 'smtps:') || smtp.hostname === '') refuse(`the option mail.smtp must be ${cure}.`)
  } else if (typeof mail.mailer?.send !== 'function' || typeof mail.mailer.close !== 'function') {
    refuse('the option mail.mailer must be an object with send(mail) and close().')
  }
  const groups = senderPattern.exec(text(mail.from, 'mail.from', 'a sender like "Name <name@example.com>"'))?.groups
  const address = groups?.['inner'] ?? groups?.['plain']
  if (address === undefined) return refuse('the option mail.from must be a sender like "Name <name@example.com>" or "name@example.com".')
  if (mail.allowInsecure !== undefined && typeof mail.allowInsecure !== 'boolean')
    refuse('the option mail.allowInsecure must be true or false.')
  return {
    smtp,
    mailer: mail.mailer ?? null,
    from: { name: groups?.['name'] ?? '', address },
    contact: optionalText(mail.contact, 'mail.contact', 'a text, for example an address') ?? '',
    allowInsecure: mail.allowInsecure ?? false
  }
}

function resolvePath(value: unknown, name: string, fallback: string): string {
  if (value === undefined) return fallback
  const path = text(value, name, 'a path like "/lwsgs"')
  if (!/^\/(?!\/)[\w\-./~]*$/.test(path) || path.split('/').some((segment) => segment === '.' || segment === '..')) {
    refuse(`the option ${name} must be a path like "/lwsgs"; it is ${JSON.stringify(path)}.`)
  }
  return path
}

function resolveRateLimits(value: unknown): ResolvedOptions['rateLimits'] {
  if (value === false) return null
  const defaults: Required<GsRateLimits> = {
    login: { max: 60, seconds: 60 },
    register: { max: 60, seconds: 3600 },
    mail: { max: 30, seconds: 3600 },
    link: { max: 60, seconds: 60 },
    check: { max: 120, seconds: 60 }
  }
  if (value === undefined) return defaults
  onlyKnown(value, 'rateLimits', Object.keys(defaults))
  const given = value as GsRateLimits
  const one = (name: keyof GsRateLimits): RateLimit => {
    const limit = given[name]
    if (limit === undefined) return defaults[name]
    onlyKnown(limit, `rateLimits.${name}`, ['max', 'seconds'])
    return {
      max: count(limit.max, `rateLimits.${name}.max`, defaults[name].max, 1, 1_000_000, 'requests'),
      seconds: count(limit.seconds, `rateLimits.${name}.seconds`, defaults[name].seconds, 1, 86_400, 'seconds')
    }
  }
  return { login: one('login'), register: one('register'), mail: one('mail'), link: one('link'), check: one('check') }
}

function resolveLegacy(value: unknown): readonly LegacyHash[] {
  if (value === undefined) return []
  const cure = 'must be a list of { prefix, verify }, for example lwsgsHashes({ confounder })'
  if (!Array.isArray(value)) return refuse(`the option password.legacy ${cure}.`)
  const kinds = value as Partial<LegacyHash>[]
  for (const [index, kind] of kinds.entries()) {
    if (typeof kind?.prefix !== 'string' || typeof kind.verify !== 'function')
      return refuse(`the option password.legacy[${index}] is not one; the option ${cure}.`)
    if (!/^\$[\w-]{1,32}\$$/.test(kind.prefix) || kind.prefix === '$argon2id$')
      refuse(`the option password.legacy[${index}].prefix must be a name between two $ and not $argon2id$, like "$my-old-site$".`)
  }
  const prefixes = kinds.map(({ prefix }) => prefix)
  const twice = prefixes.find((prefix, index) => prefixes.indexOf(prefix) !== index)
  if (twice !== undefined) refuse(`the option password.legacy has the prefix ${twice} twice.`)
  return value as LegacyHash[]
}

function resolveAdmin(value: unknown, isPasswordHash: (text: string) => boolean, legacy: readonly LegacyHash[]): ResolvedOptions['admin'] {
  if (value === undefined) return null
  onlyKnown(value, 'admin', ['username', 'passwordHash', 'email'])
  const admin = value as NonNullable<GsOptions['admin']>
  const passwordHash = text(admin.passwordHash, 'admin.passwordHash', 'what `await hashPassword(password)` gives')
  if (!isPasswordHash(passwordHash) && !legacy.some(({ prefix }) => passwordHash.startsWith(prefix)))
    refuse(
      'the option admin.passwordHash must be what `await hashPassword(password)` gives; a password itself does not belong into the configuration, and a hash of an older system needs its kind in password.legacy.'
    )
  return {
    username: text(admin.username, 'admin.username', 'a user name'),
    passwordHash,
    email: optionalText(admin.email, 'admin.email', 'an e-mail address')
  }
}

/** A page of the own origin, relative to the prefix as a browser takes it. */
function resolvePage(value: unknown, name: string, url: URL, prefix: string): string | null {
  const cure = 'a page like "post-verify-ok.html", relative to the prefix'
  const given = optionalText(value, name, cure)
  if (given === null) return null
  if (/\\|^\/\//.test(given) || !URL.canParse(given, `${url.origin}${prefix}/`)) return refuse(`the option ${name} must be ${cure}.`)
  const page = new URL(given, `${url.origin}${prefix}/`)
  if (page.origin !== url.origin || page.pathname.startsWith('//')) refuse(`the option ${name} must be ${cure}; it leads to another site.`)
  return page.pathname + page.search + page.hash
}

function resolveLwsgs(value: GsLwsgsOptions | undefined, url: URL, prefix: string): ResolvedOptions['lwsgs'] {
  if (value === undefined) return { urlroot: null, verifiedPage: null, verifyFailedPage: null }
  onlyKnown(value, 'lwsgs', ['urlroot', 'verifiedPage', 'verifyFailedPage'])
  return {
    urlroot: value.urlroot === undefined ? null : resolvePath(value.urlroot, 'lwsgs.urlroot', '').replace(/\/+$/, ''),
    verifiedPage: resolvePage(value.verifiedPage, 'lwsgs.verifiedPage', url, prefix),
    verifyFailedPage: resolvePage(value.verifyFailedPage, 'lwsgs.verifyFailedPage', url, prefix)
  }
}

function resolveSectors(value: unknown): readonly string[] {
  const sectors = texts(value, 'sectors')
  if (sectors.length > 28) refuse('the option sectors has more than 28 names; the mask has only bits 4 to 31 for them.')
  for (const sector of sectors) {
    if (!/^[A-Za-z][\w-]*$/.test(sector) || ['user', 'admin', 'verified', 'forgot'].includes(sector)) {
      refuse(
        `the option sectors has the name ${JSON.stringify(sector)}; use letters, digits, - and _, and none of user, admin, verified, forgot.`
      )
    }
  }
  if (new Set(sectors).size !== sectors.length) refuse('the option sectors has a name twice.')
  return sectors
}

/** Names and values are checked where symbols are prepared (mounts/symbols.ts). */
function resolveSymbols(value: unknown): ResolvedOptions['symbols'] {
  if (value === undefined) return {}
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    refuse('the option symbols must be an object like { $theme: (session) => "dark" }.')
  return value as ResolvedOptions['symbols']
}

const cookiePattern = /^[A-Za-z][\w-]{0,63}$/

function resolveCookieNames(value: unknown): ResolvedOptions['session']['cookieNames'] {
  const cure = 'letters, digits, - and _; the prefix __Host- is added by itself'
  const one = (name: unknown, where: string): string => {
    if (typeof name !== 'string' || !cookiePattern.test(name)) return refuse(`the option ${where} must be ${cure}.`)
    return name
  }
  if (typeof value !== 'object' || value === null) {
    const name = one(value === undefined ? 'gs' : value, 'session.cookieName')
    return { anonymous: name, loggedIn: name }
  }
  onlyKnown(value, 'session.cookieName', ['anonymous', 'loggedIn'])
  const { anonymous, loggedIn } = value as { anonymous?: unknown; loggedIn?: unknown }
  return { anonymous: one(anonymous, 'session.cookieName.anonymous'), loggedIn: one(loggedIn, 'session.cookieName.loggedIn') }
}

function resolveSessionData(value: GsSessionDataOptions = {}): Required<GsSessionDataOptions> {
  onlyKnown(value, 'session.data', ['maxBytes', 'onLogin', 'onLogout', 'maxAnonymous', 'maxAnonymousPerAddress'])
  const rule = (given: unknown, name: string, fallback: CarryRule): CarryRule => {
    if (given === undefined) return fallback
    if (given !== 'keep' && given !== 'drop' && typeof given !== 'function')
      refuse(`the option session.data.${name} must be "keep", "drop" or a function that gives what is kept.`)
    return given as CarryRule
  }
  return {
    maxBytes: count(value.maxBytes, 'session.data.maxBytes', 16_384, 64, 1_048_576, 'bytes'),
    onLogin: rule(value.onLogin, 'onLogin', 'keep'),
    onLogout: rule(value.onLogout, 'onLogout', 'drop'),
    maxAnonymous: count(value.maxAnonymous, 'session.data.maxAnonymous', 100_000, 0, 100_000_000, 'sessions'),
    maxAnonymousPerAddress: count(value.maxAnonymousPerAddress, 'session.data.maxAnonymousPerAddress', 1000, 1, 1_000_000, 'sessions')
  }
}

function truth(value: unknown, name: string): boolean {
  if (value !== undefined && typeof value !== 'boolean') refuse(`the option ${name} must be true or false.`)
  return value === true
}

const limitNames = ['maxMessage', 'messagesPerSecond', 'burst', 'maxBuffered', 'activity'] as const

/** @throws {GsOptionError} */
export function resolveSocketLimits(value: GsSocketLimits, where: string): Required<GsSocketLimits> {
  onlyKnown(value, where, limitNames)
  return {
    maxMessage: count(value.maxMessage, `${where}.maxMessage`, 65_536, 1, 104_857_600, 'bytes'),
    messagesPerSecond: count(value.messagesPerSecond, `${where}.messagesPerSecond`, 20, 1, 1_000_000, 'messages'),
    burst: count(value.burst, `${where}.burst`, 100, 1, 1_000_000, 'messages'),
    maxBuffered: count(value.maxBuffered, `${where}.maxBuffered`, 1_048_576, 1024, 1_073_741_824, 'bytes'),
    activity: truth(value.activity, `${where}.activity`)
  }
}

function resolveSockets(value: GsSocketOptions = {}): ResolvedOptions['sockets'] {
  onlyKnown(value, 'sockets', [...limitNames, 'pingInterval', 'perSession', 'perAccount', 'perAddress', 'origins', 'allowNoOrigin'])
  const { pingInterval, perSession, perAccount, perAddress, origins, allowNoOrigin, ...limits } = value
  return {
    ...resolveSocketLimits(limits, 'sockets'),
    pingInterval: milliseconds(pingInterval, 'sockets.pingInterval', 30, 3600),
    perSession: count(perSession, 'sockets.perSession', 20, 1, 100_000, 'sockets'),
    perAccount: count(perAccount, 'sockets.perAccount', 100, 1, 1_000_000, 'sockets'),
    perAddress: count(perAddress, 'sockets.perAddress', 100, 1, 1_000_000, 'sockets'),
    origins: texts(origins, 'sockets.origins').map((origin, index) => {
      const url = URL.parse(origin)
      if (url === null || url.origin !== origin)
        refuse(`the option sockets.origins[${index}] must be an origin like https://app.example.com.`)
      return origin
    }),
    allowNoOrigin: truth(allowNoOrigin, 'sockets.allowNoOrigin')
  }
}

/** @throws {GsOptionError} */
export function resolveSession(session: GsSessionOptions = {}): ResolvedOptions['session'] {
  onlyKnown(session, 'session', [
    'cookieName',
    'renewal',
    'perAccount',
    'whenFull',
    'total',
    'data',
    'idle',
    'absolute',
    'remembered',
    'anonymousIdle',
    'anonymousAbsolute',
    'activityInterval'
  ])
  if (session.whenFull !== undefined && session.whenFull !== 'end-oldest' && session.whenFull !== 'refuse')
    refuse('the option session.whenFull must be "end-oldest" or "refuse".')

  const idle = milliseconds(session.idle, 'session.idle', 3600)

  return {
    cookieNames: resolveCookieNames(session.cookieName),
    renewal: count(session.renewal, 'session.renewal', 86_400, 0, 10 * year, 'seconds') * 1000,
    perAccount: count(session.perAccount, 'session.perAccount', 100, 1, 100_000, 'sessions'),
    whenFull: session.whenFull ?? 'end-oldest',
    total: count(session.total, 'session.total', 1_000_000, 1, 1_000_000_000, 'sessions'),
    data: resolveSessionData(session.data),
    limits: {
      idle,
      absolute: milliseconds(session.absolute, 'session.absolute', 86_400),
      remembered: milliseconds(session.remembered, 'session.remembered', 2_592_000)
    },
    ticketLimits: {
      idle: milliseconds(session.anonymousIdle, 'session.anonymousIdle', 1200),
      absolute: milliseconds(session.anonymousAbsolute, 'session.anonymousAbsolute', 86_400)
    },
    // Written late, a use would come too late for a short idle time.
    activityInterval: Math.min(milliseconds(session.activityInterval, 'session.activityInterval', 60, 3600), idle / 2)
  }
}

function resolveAttempts(value: GsAttemptsOptions = {}): ResolvedOptions['attempts'] {
  onlyKnown(value, 'attempts', ['ladder', 'lockAfter'])
  const cure = 'a list like [[10, 60], [25, 3600]]: failures and seconds, both growing'
  const rungs = (value.ladder ?? [
    [10, 60],
    [25, 3600],
    [100, 86_400]
  ]) as readonly unknown[]
  if (!Array.isArray(rungs) || rungs.length > 20) return refuse(`the option attempts.ladder must be ${cure}.`)
  const ladder = rungs.map((rung, index) => {
    if (!Array.isArray(rung) || rung.length !== 2) return refuse(`the option attempts.ladder must be ${cure}.`)
    return {
      failures: count(rung[0], `attempts.ladder[${index}][0]`, 0, 1, 1_000_000, 'failures'),
      wait: count(rung[1], `attempts.ladder[${index}][1]`, 0, 1, 604_800, 'seconds') * 1000
    }
  })
  if (ladder.some(({ failures, wait }, index) => index > 0 && (failures <= ladder[index - 1]!.failures || wait < ladder[index - 1]!.wait)))
    refuse(`the option attempts.ladder must be ${cure}.`)
  return { ladder, lockAfter: count(value.lockAfter, 'attempts.lockAfter', 1000, 1, 1_000_000, 'failures') }
}

function resolveLoginCodes(value: unknown): ResolvedOptions['loginCodes'] {
  if (value === undefined || value === false) return null
  const given = value === true ? {} : value
  onlyKnown(given, 'loginCodes', ['life', 'digits', 'tries'])
  const { life, digits, tries } = given as GsLoginCodeOptions
  return {
    life: count(life, 'loginCodes.life', 900, 60, 3600, 'seconds') * 1000,
    digits: count(digits, 'loginCodes.digits', 8, 6, 10, 'digits'),
    tries: count(tries, 'loginCodes.tries', 5, 1, 10, 'tries')
  }
}

/** All names of levels: ours and the application's. */
function resolveLevels(value: unknown, ownLevels: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  if (value === undefined) return ownLevels
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refuse('the option levels must be an object like { editor: 35 }.')
  for (const [name, level] of Object.entries(value)) {
    if (!/^[A-Za-z][\w-]{0,31}$/.test(name)) refuse(`the option levels has the name ${JSON.stringify(name)}; use letters, digits, - and _.`)
    if (Object.hasOwn(ownLevels, name)) refuse(`the option levels has the name ${name}, which has a meaning already; choose another one.`)
    count(level, `levels.${name}`, 0, 3, 124, 'levels')
  }
  return { ...ownLevels, ...(value as Record<string, number>) }
}

function resolveDefaultLevel(value: unknown, levels: Readonly<Record<string, number>>): number {
  if (value === undefined) return 0
  const level = typeof value === 'string' && Object.hasOwn(levels, value) ? levels[value] : value
  if (typeof level !== 'number' || !Number.isInteger(level) || level < 0 || level > 125)
    return refuse(`the option defaultLevel must be a level from 0 to 125 or one of ${Object.keys(levels).join(', ')}.`)
  return level
}

function isLanguage(tag: unknown): tag is string {
  try {
    return typeof tag === 'string' && tag.length <= 35 && Intl.getCanonicalLocales(tag).length === 1
  } catch {
    return false
  }
}

function resolveLanguage(value: unknown): string {
  if (value === undefined) return 'en'
  if (!isLanguage(value)) return refuse('the option language must be a language tag like "en" or "pt-BR".')
  return Intl.getCanonicalLocales(value)[0]!
}

function resolveMessages(value: unknown): ResolvedOptions['messages'] {
  if (value === undefined) return {}
  const cure = 'an object of languages, each an object of texts: { de: { GS_CREDENTIALS: "…" } }'
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse(`the option messages must be ${cure}.`)
  for (const [language, texts] of Object.entries(value)) {
    if (!isLanguage(language)) refuse(`the option messages has the language ${JSON.stringify(language)}; use tags like "de" or "pt-BR".`)
    if (typeof texts !== 'object' || texts === null || Object.values(texts as object).some((one) => typeof one !== 'string'))
      refuse(`the option messages.${language} must be an object of texts.`)
  }
  return value as ResolvedOptions['messages']
}

/** The languages that fastify-gs has texts in. */
const ownLanguages = ['en', 'de', 'es', 'fr', 'ja', 'ar']

function resolveLanguages(value: unknown, language: string, messages: ResolvedOptions['messages']): readonly string[] {
  const added = Object.keys(messages).map((tag) => Intl.getCanonicalLocales(tag)[0]!)
  const given = texts(value, 'languages')
  for (const [index, tag] of given.entries()) {
    if (!isLanguage(tag)) refuse(`the option languages[${index}] must be a language tag like "de" or "pt-BR".`)
    const primary = tag.split('-', 1)[0]!.toLowerCase()
    if (!ownLanguages.includes(primary) && !added.some((one) => one === Intl.getCanonicalLocales(tag)[0] || one === primary))
      refuse(`the option languages[${index}] is ${JSON.stringify(tag)}, for which there are no texts; give them in the option messages.`)
  }
  return [...new Set([language, ...given.map((tag) => Intl.getCanonicalLocales(tag)[0]!), ...added])]
}

/** @throws {GsOptionError} */
export function resolvePeppers(value: unknown, hasHasher: boolean): readonly Pepper[] {
  if (value === undefined) return []
  if (hasHasher) refuse('the option password.peppers belongs to the hasher of fastify-gs; leave it out, or password.hasher.')
  if (!Array.isArray(value) || value.length === 0) return refuse('the option password.peppers must be a list of { id, secret }.')
  const ids = new Set<unknown>()
  for (const [index, pepper] of (value as unknown[]).entries()) {
    onlyKnown(pepper, `password.peppers[${index}]`, ['id', 'secret'])
    const { id, secret } = pepper as Partial<Pepper>
    if (typeof id !== 'string' || !/^[\w-]{1,8}$/.test(id))
      refuse(`the option password.peppers[${index}].id must be letters, digits, - and _, 8 at most.`)
    if (ids.has(id)) refuse(`the option password.peppers has the id ${id} twice.`)
    ids.add(id)
    if (typeof secret !== 'string' || Buffer.byteLength(secret) < 32 || new Set(secret).size < 8)
      refuse(`the option password.peppers[${index}].secret must be a text of 32 bytes or more; make one with \`openssl rand -base64 32\`.`)
  }
  return value as Pepper[]
}

/** @throws {GsOptionError} */
export function resolveBlocklist(value: unknown): ResolvedOptions['password']['blocklist'] {
  if (value === undefined) return 10_000
  if (value === false) return false
  if (Array.isArray(value)) return texts(value, 'password.blocklist')
  return count(value, 'password.blocklist', 10_000, 1, 49_000, 'passwords')
}

/** How options are checked that need knowledge of other folders. */
export interface OptionChecks {
  readonly isPasswordHash: (text: string) => boolean
  /** Those of fastify-gs itself, by name. */
  readonly levels: Readonly<Record<string, number>>
}

/**
 * Checks the options and fills in the defaults.
 *
 * @throws {GsOptionError} in a sentence that names the option and the cure
 */
export function resolveOptions(given: GsOptions, checks: OptionChecks): ResolvedOptions {
  onlyKnown(given, 'options', [
    'baseUrl',
    'keys',
    'database',
    'mail',
    'prefix',
    'siteName',
    'loginPage',
    'admin',
    'sectors',
    'reservedNames',
    'session',
    'password',
    'attempts',
    'loginCodes',
    'defaultLevel',
    'levels',
    'language',
    'languages',
    'messages',
    'links',
    'rateLimits',
    'lwsgs',
    'adminApi',
    'symbols',
    'sockets',
    'now'
  ])
  const url = resolveOrigin(given.baseUrl)
  const prefix = resolvePath(given.prefix, 'prefix', '/lwsgs').replace(/\/+$/, '')
  if (prefix === '') refuse('the option prefix must be a path like "/lwsgs"; the root cannot be used.')

  const password = given.password ?? {}
  onlyKnown(password, 'password', ['minLength', 'contextWords', 'hasher', 'legacy', 'concurrency', 'maxWaiting', 'blocklist', 'peppers'])
  if (password.hasher === null) refuse('the option password.hasher must be an object with hash(), verify() and needsRehash().')
  if (
    password.hasher !== undefined &&
    [password.hasher.hash, password.hasher.verify, password.hasher.needsRehash].some((f) => typeof f !== 'function')
  ) {
    refuse('the option password.hasher must be an object with hash(), verify() and needsRehash().')
  }

  const legacy = resolveLegacy(password.legacy)
  // Another hasher has hashes of its own.
  const admin = resolveAdmin(given.admin, password.hasher === undefined ? checks.isPasswordHash : () => true, legacy)

  const levels = resolveLevels(given.levels, checks.levels)
  const language = resolveLanguage(given.language)
  const messages = resolveMessages(given.messages)
  const links = given.links ?? {}
  onlyKnown(links, 'links', ['verifyEmail', 'forgotPassword', 'undoEmail'])
  if (given.now !== undefined && typeof given.now !== 'function') refuse('the option now must be a function that gives ms since 1970.')
  if (given.adminApi !== undefined && typeof given.adminApi !== 'boolean') refuse('the option adminApi must be true or false.')
  const siteName = optionalText(given.siteName, 'siteName', 'a text') ?? url.host

  return Object.freeze({
    origin: url.origin,
    secure: url.protocol === 'https:',
    keys: resolveKeys(given.keys),
    database: resolveDatabase(given.database),
    mail: resolveMail(given.mail),
    prefix,
    siteName,
    loginPage: resolvePath(given.loginPage, 'loginPage', `${prefix}/`),
    admin,
    sectors: resolveSectors(given.sectors),
    // Nobody may look like the admin either.
    reservedNames: [...texts(given.reservedNames, 'reservedNames'), ...(admin === null ? [] : [admin.username])],
    session: resolveSession(given.session),
    password: {
      minLength: count(password.minLength, 'password.minLength', 15, 8, 64, 'characters'),
      contextWords: [...texts(password.contextWords, 'password.contextWords'), siteName, url.hostname, url.hostname.split('.')[0]!],
      hasher: password.hasher ?? null,
      legacy,
      concurrency: password.concurrency === undefined ? null : count(password.concurrency, 'password.concurrency', 1, 1, 1024, 'hashes'),
      maxWaiting: password.maxWaiting === undefined ? null : count(password.maxWaiting, 'password.maxWaiting', 100, 1, 100_000, 'hashes'),
      blocklist: resolveBlocklist(password.blocklist),
      peppers: resolvePeppers(password.peppers, password.hasher !== undefined)
    },
    attempts: resolveAttempts(given.attempts),
    loginCodes: resolveLoginCodes(given.loginCodes),
    defaultLevel: resolveDefaultLevel(given.defaultLevel, levels),
    levels,
    language,
    languages: resolveLanguages(given.languages, language, messages),
    messages,
    links: {
      verifyEmail: milliseconds(links.verifyEmail, 'links.verifyEmail', 86_400),
      forgotPassword: milliseconds(links.forgotPassword, 'links.forgotPassword', 1800, 86_400),
      undoEmail: count(links.undoEmail, 'links.undoEmail', 604_800, 86_400, 2_592_000, 'seconds') * 1000
    },
    rateLimits: resolveRateLimits(given.rateLimits),
    adminApi: given.adminApi ?? true,
    lwsgs: resolveLwsgs(given.lwsgs, url, prefix),
    symbols: resolveSymbols(given.symbols),
    sockets: resolveSockets(given.sockets),
    now: given.now ?? Date.now
  })
}
