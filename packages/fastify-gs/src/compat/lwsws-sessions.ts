import { randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import { AuthLevel } from '../accounts/auth-level.ts'
import { GsOptionError } from '../errors.ts'
import { resolveOptions, type GsOptions } from '../options.ts'
import { readAdmin } from './lwsws-admin.ts'
import type { LwswsObject, LwswsPlace } from './lwsws-json.ts'
import { readMail } from './lwsws-mail.ts'
import type { LwswsMount } from './lwsws-mount.ts'
import { quote } from './lwsws-problems.ts'
import { LwswsSection, type LwswsKeys, type LwswsReading } from './lwsws-section.ts'

export interface LwswsSessions extends LwswsPlace {
  /** Everything but keys, rateLimits and now; ready for fastifyGs. An admin's old hash is `$sha1$<40 hex>` or `$sha256$<64 hex>`. */
  readonly options: Pick<
    GsOptions,
    | 'baseUrl'
    | 'database'
    | 'mail'
    | 'prefix'
    | 'siteName'
    | 'admin'
    | 'session'
    | 'password'
    | 'loginCodes'
    | 'links'
    | 'lwsgs'
    | 'sectors'
  >
  /** What lwsgs mixed into the hashes of its users' passwords, at full length; empty when there was none. */
  readonly confounder: string
}

/** What the options of a vhost's sessions depend on. */
export interface LwswsSessionsPlace {
  /** For sentences: `the vhost "x"`. */
  readonly vhost: string
  readonly name: string
  readonly port: number
  readonly unixSocket: boolean
  readonly tls: boolean
  readonly mounts: readonly LwswsMount[]
}

export const sessionsProtocol = 'protocol-generic-sessions'

export const sessionsKeys: LwswsKeys = {
  known: [
    'status',
    'admin-user',
    'admin-password-sha1',
    'admin-password-sha256',
    'admin-password-hash',
    'session-db',
    'session-postgres',
    'confounder',
    'timeout-absolute-secs',
    'timeout-anon-absolute-secs',
    'timeout-idle-secs',
    'timeout-anon-idle-secs',
    'email-from',
    'email-smtp-ip',
    'email-server-ip',
    'email-smtp-url',
    'email-expire',
    'email-contact-person',
    'email-confirm-url-base',
    'urlroot',
    'base-url',
    'site-name',
    'sectors',
    'min-password-length',
    'login-codes',
    'basic-auth'
  ],
  idle: {
    'email-helo': 'the mail server is greeted by the name of this machine',
    'email-template': 'lwsgs never used it either',
    'email-title': 'lwsgs never used it either',
    default: 'the protocol has no websocket',
    raw: 'the protocol has no websocket'
  },
  counts: 'first'
}

/** Printed in the documentation of lwsgs: known to everybody. */
const sampleConfounder = 'Change to <=31 chars of junk'

const year = 31_536_000

/** Reads the options of `protocol-generic-sessions` of one vhost; null when there is no way to make options of them. */
export function readSessions(node: LwswsObject, place: LwswsSessionsPlace, reading: LwswsReading): LwswsSessions | null {
  const section = new LwswsSection(node, `${sessionsProtocol} of ${place.vhost}`, sessionsKeys, reading)
  if (section.has('basic-auth'))
    section.error(
      'basic-auth',
      'would protect nothing, because the protocol has no websocket; write it into the mounts that it shall protect.'
    )
  const base = readBase(section, place)
  const database = readDatabase(section)
  const mail = readMail(section, base?.host ?? 'localhost')
  const admin = readAdmin(section)
  const confounder = readConfounder(section)
  const seconds = (key: string, fallback: number) =>
    section.count(key, { fallback, min: 1, max: 10 * year, cure: `seconds, like "${fallback}"` })
  const absolute = seconds('timeout-absolute-secs', 36_000)
  const session = {
    idle: seconds('timeout-idle-secs', 600),
    absolute,
    // "Keep me logged in" must not outlast what the operator has set.
    remembered: absolute,
    anonymousIdle: seconds('timeout-anon-idle-secs', 1200),
    anonymousAbsolute: seconds('timeout-anon-absolute-secs', 1200)
  }
  const links = readLinks(section, seconds('email-expire', 86_400))
  const siteName = section.text('site-name')
  const sectors = readSectors(section)
  const minLength = section.count('min-password-length', { fallback: 8, min: 8, max: 64 })
  const loginCodes = section.boolean('login-codes')
  if (base === null || database === null || mail === null) return null
  const urlroot = readUrlroot(section, base.origin)
  const options = {
    baseUrl: base.origin,
    database,
    mail,
    prefix: base.prefix,
    session,
    password: { minLength },
    ...(loginCodes && { loginCodes }),
    links,
    ...(siteName !== null && { siteName }),
    ...(admin !== null && { admin }),
    ...(urlroot !== null && { lwsgs: { urlroot } }),
    ...(sectors.length > 0 && { sectors })
  }
  return accepted(section, options) ? { options, confounder, file: section.file, line: section.line } : null
}

interface Base {
  readonly origin: string
  readonly host: string
  readonly prefix: string
}

function readBase(section: LwswsSection, { vhost, name, port, unixSocket, tls, mounts }: LwswsSessionsPlace): Base | null {
  const own = readAddress(section, 'base-url')
  const links = readAddress(section, 'email-confirm-url-base')
  if (own === 'wrong' || links === 'wrong') return null
  if (own !== null && own.pathname !== '/')
    return section.error(
      'base-url',
      `is ${quote(own.href)}; write the public origin of the site without a path, like "https://example.com".`
    )
  const url = own ?? links ?? (unixSocket ? null : ownAddress(tls, name, port))
  if (url === null) {
    return section.error(
      null,
      `needs the key "base-url", because the public address does not follow from ${vhost}; write one like "https://example.com".`
    )
  }
  const key = own === null ? 'email-confirm-url-base' : 'base-url'
  // Browsers would send https as the origin of their forms, and each would be refused as another site's.
  if (tls && url.protocol === 'http:')
    return section.error(
      key,
      `begins with http://, but ${vhost} speaks TLS; write "https://${url.host}${url.pathname.replace(/\/$/, '')}".`
    )
  if (url.hostname !== name.toLowerCase() && !name.startsWith('*.'))
    section.warning(
      key,
      `names the host ${url.hostname}, and ${vhost} has another name; forms are accepted only from pages of ${url.origin}.`
    )
  return { origin: url.origin, host: url.hostname, prefix: readPrefix(section, links, mounts) }
}

function ownAddress(tls: boolean, name: string, port: number): URL | null {
  if (name === '' || name.includes('*')) return null
  const host = name.includes(':') ? `[${name}]` : name
  const url = URL.parse(`${tls ? 'https' : 'http'}://${host}:${port}`)
  // A name which the URL parser takes for more than a host.
  return url === null || url.pathname !== '/' || url.username !== '' || url.search !== '' || url.hash !== '' ? null : url
}

function readAddress(section: LwswsSection, key: string): URL | null | 'wrong' {
  const given = section.text(key)
  if (given === null) return null
  const url = /^https?:\/\/[^\\\s]+$/i.test(given) ? URL.parse(given) : null
  if (url !== null && url.search === '' && url.hash === '' && url.username === '' && url.password === '') return url
  section.error(
    key,
    `is ${quote(given)}; write an address without user and query, like "https://example.com${key === 'base-url' ? '' : '/lwsgs'}".`
  )
  return 'wrong'
}

function readPrefix(section: LwswsSection, links: URL | null, mounts: readonly LwswsMount[]): string {
  const path = links?.pathname.replace(/\/+$/, '') ?? ''
  // People who have not logged in yet must get there.
  const ofMount = mounts.find(({ callback, mask, prefix }) => callback !== null && mask === 0 && prefix !== '/')?.prefix ?? '/lwsgs'
  if (path === '') {
    if (links !== null) {
      section.warning(
        'email-confirm-url-base',
        `has no path, and links in mails cannot lead to the root; they begin with "${links.origin}${ofMount}" instead.`
      )
    }
    return ofMount
  }
  if (/^(?:\/(?!\.{1,2}(?:\/|$))[\w\-.~]+)+$/.test(path)) return path
  section.error('email-confirm-url-base', `has the path ${quote(path)}; write one of letters, digits and - . _ ~, like "/lwsgs".`)
  return ofMount
}

function readDatabase(section: LwswsSection): GsOptions['database'] | null {
  const postgres = section.text('session-postgres')
  const sqlite = section.path('session-db')
  if (postgres !== null && sqlite !== null) return section.error('session-postgres', 'stands beside "session-db"; remove one of them.')
  if (postgres !== null) {
    // Not repeated: there may be a password in it.
    if (/^postgres(?:ql)?:\/\//.test(postgres) && URL.canParse(postgres)) return { postgres }
    return section.error('session-postgres', 'is no address of a database; write one like "postgres://user:password@host/database".')
  }
  if (sqlite === null) {
    section.required('session-db', 'the path of a file, like "/var/lib/site/sessions.sqlite3"')
    return null
  }
  try {
    if (!statSync(dirname(sqlite)).isDirectory()) throw new Error('not a directory')
    if (statSync(sqlite, { throwIfNoEntry: false })?.isDirectory() === true)
      return section.error('session-db', `is the directory ${quote(sqlite)}; write the path of a file in it.`)
  } catch {
    return section.error(
      'session-db',
      `lies in the directory ${quote(dirname(sqlite))}, which is not there or cannot be read; make it, for the user of the server alone.`
    )
  }
  return { sqlite }
}

function readConfounder(section: LwswsSection): string {
  const confounder = section.text('confounder') ?? ''
  if (confounder === sampleConfounder) {
    section.warning(
      'confounder',
      'is that of the sample, which everybody knows; it is only used to verify passwords that come from lwsgs, and can be removed when there are none.'
    )
  }
  return confounder
}

const longestForgot = 86_400

function readLinks(section: LwswsSection, life: number): NonNullable<GsOptions['links']> {
  if (life > longestForgot)
    section.warning('email-expire', `is ${life} seconds; links that set a new password work for ${longestForgot} at most.`)
  return { verifyEmail: life, forgotPassword: Math.min(life, longestForgot) }
}

function readUrlroot(section: LwswsSection, origin: string): string | null {
  const given = section.text('urlroot')
  if (given === null) return null
  const url = /[\\\s]/.test(given) ? null : URL.parse(given, `${origin}/`)
  const path = url?.pathname.replace(/\/+$/, '') ?? ''
  if (url?.origin === origin && url.search === '' && url.hash === '' && /^(?:\/|https?:\/\/)/i.test(given) && !path.startsWith('//'))
    return path === '' ? null : path
  return section.error('urlroot', `is ${quote(given)}; write a path of this site, like "/app", because nobody is sent to other sites.`)
}

function readSectors(section: LwswsSection): readonly string[] {
  const member = section.member('sectors')
  if (member === undefined) return []
  if (member.value.type !== 'array') {
    const text = section.text('sectors') ?? ''
    return text.trim() === '' ? [] : text.split(',').map((name) => name.trim())
  }
  return member.value.items.flatMap((value) => {
    if (value.type === 'string') return [value.value]
    section.error('sectors', 'must be a list of names, like ["editors", "press"], or "editors, press".')
    return []
  })
}

/** The keys from which the options come, for what only the options' own check finds. */
const sources: readonly (readonly [option: RegExp, keys: readonly string[]])[] = [
  [/^baseUrl/, ['base-url', 'email-confirm-url-base']],
  [/^mail\.from/, ['email-from']],
  [/^mail\.contact/, ['email-contact-person']],
  [/^mail\.smtp/, ['email-smtp-url', 'email-server-ip', 'email-smtp-ip']],
  [/^database/, ['session-postgres', 'session-db']],
  [/^prefix/, ['email-confirm-url-base']],
  [/^siteName/, ['site-name']],
  [/^sectors/, ['sectors']],
  [/^lwsgs/, ['urlroot']],
  [/^admin/, ['admin-user']]
]

/** Asks the options' own check, so that nothing comes as far as the start that would be refused there. */
function accepted(section: LwswsSection, options: LwswsSessions['options']): boolean {
  try {
    // Hashes of both kinds have been checked, and an old one is accepted only with settings that are not made here.
    resolveOptions({ ...options, keys: [randomBytes(32).toString('base64')] }, { isPasswordHash: () => true, levels: AuthLevel })
    return true
  } catch (error) {
    if (!(error instanceof GsOptionError)) throw error
    const [, option = '', rest = ''] = /^fastify-gs: the option ([\w.[\]]+) (.*)$/.exec(error.message) ?? []
    const found = sources.find(([pattern]) => pattern.test(option))?.[1].find((key) => section.has(key))
    section.error(found ?? null, found === undefined ? `is refused: ${error.message.replace(/^fastify-gs: /, '')}` : rest)
    return false
  }
}
