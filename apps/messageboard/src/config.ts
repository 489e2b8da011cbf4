import { isIP } from 'node:net'
import { join, resolve } from 'node:path'
import { StartError } from './start-error.ts'

/** What the environment says, checked. README.md explains each variable. */
export interface Config {
  readonly port: number
  readonly host: string
  /** Absolute path. */
  readonly dataDirectory: string
  /** The origin under which visitors reach the board, e.g. `http://localhost:7681`. */
  readonly baseUrl: string
  /** `undefined`: the board makes one up at its first start. */
  readonly adminPassword: string | undefined
  /** `undefined`: the built-in catcher takes the mail. */
  readonly smtpUrl: string | undefined
  readonly mailFrom: string
  /** PostgreSQL for sessions and accounts; `undefined`: SQLite in the data directory. */
  readonly databaseUrl: string | undefined
  /** Addresses and networks of proxies whose `X-Forwarded-For` is believed. Empty: none. */
  readonly trustProxy: readonly string[]
  /** The built pages, served at `/lwsgs`. */
  readonly webDirectory: string
}

const port = (value: string): number => {
  const number = /^\d{1,5}$/.test(value) ? Number(value) : 0
  if (number < 1 || number > 65_535)
    throw new StartError(`PORT is ${JSON.stringify(value)}, but it must be a whole number from 1 to 65535, e.g. PORT=7681.`)
  return number
}

const baseUrl = (value: string): string => {
  const url = URL.parse(value)
  const isOrigin =
    url !== null &&
    (url.protocol === 'http:' || url.protocol === 'https:') &&
    url.href === `${url.origin}/` &&
    // "http://host" and "http:host" parse alike; only the first is what people mean.
    /^https?:\/\/[^\\]+$/i.test(value)
  if (!isOrigin) {
    throw new StartError('GS_BASE_URL must be the address of the board without a path, e.g. GS_BASE_URL=https://board.example.')
  }
  return url.origin
}

// The values of the next two are not repeated in the sentence: they may hold passwords.

const smtpUrl = (value: string): string => {
  const url = URL.parse(value)
  if (url === null || !/^smtps?:\/\//i.test(value) || url.hostname === '') {
    throw new StartError(
      'SMTP_URL must look like smtp://user:password@mail.example:587 or smtps://…:465 (special characters of the password percent-encoded); leave it out to catch the mail in /mailbox/.'
    )
  }
  return value
}

const databaseUrl = (value: string): string => {
  const url = URL.parse(value)
  if (url === null || !/^postgres(ql)?:\/\//i.test(value)) {
    throw new StartError('DATABASE_URL must look like postgres://user:password@host:5432/name; leave it out to use SQLite in GS_DATA_DIR.')
  }
  return value
}

const adminPassword = (value: string): string => {
  if (!value.isWellFormed() || value.length < 8 || Buffer.byteLength(value) > 1024) {
    throw new StartError(
      'GS_ADMIN_PASSWORD must have 8 characters or more (15 are better) and at most 1024 bytes; leave it out to have one made up.'
    )
  }
  return value
}

const trustProxy = (value: string): string[] => {
  const addresses = value.split(',').map((part) => part.trim())
  // Addresses only: a count of hops would believe whatever a client writes in front.
  if (!addresses.every((part) => isIP(part.replace(/\/\d{1,3}$/, '')) !== 0)) {
    throw new StartError(
      'TRUST_PROXY must be the addresses or networks of your proxies, e.g. TRUST_PROXY=127.0.0.1 or TRUST_PROXY=10.0.0.0/8,::1.'
    )
  }
  return addresses
}

const mailFrom = (value: string): string => {
  if (!/^[^\s@<>,;:"()\\]+@[A-Za-z0-9.-]+$/.test(value)) {
    throw new StartError('MAIL_FROM must be one plain e-mail address, e.g. MAIL_FROM=noreply@board.example.')
  }
  return value
}

const text = (value: string) => value

/**
 * Reads the environment; a variable that is empty counts as not set.
 *
 * @throws {StartError} names the variable that is wrong
 */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const read = <T>(name: string, check: (value: string) => T): T | undefined => {
    const value = env[name]
    return value === undefined || value === '' ? undefined : check(value)
  }

  const portNumber = read('PORT', port) ?? 7681
  const origin = read('GS_BASE_URL', baseUrl) ?? `http://localhost:${portNumber}`
  const { hostname } = new URL(origin)
  const mailDomain = isIP(hostname) === 0 && /^[a-z0-9.-]+$/.test(hostname) ? hostname : 'localhost'

  return Object.freeze({
    port: portNumber,
    host: read('HOST', text) ?? '127.0.0.1',
    dataDirectory: resolve(read('GS_DATA_DIR', text) ?? 'data'),
    baseUrl: origin,
    adminPassword: read('GS_ADMIN_PASSWORD', adminPassword),
    smtpUrl: read('SMTP_URL', smtpUrl),
    mailFrom: read('MAIL_FROM', mailFrom) ?? `noreply@${mailDomain}`,
    databaseUrl: read('DATABASE_URL', databaseUrl),
    trustProxy: read('TRUST_PROXY', trustProxy) ?? [],
    webDirectory: resolve(read('GS_WEB_DIR', text) ?? join(import.meta.dirname, '../dist'))
  })
}
