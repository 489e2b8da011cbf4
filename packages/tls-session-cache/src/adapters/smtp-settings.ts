import { isIP } from 'node:net'
import os from 'node:os'
import type { ConnectionOptions } from 'node:tls'

/** The options of a nodemailer transport that say how its connections are made, as nodemailer hands them to `getSocket`. */
export interface SmtpTransportOptions {
  readonly host?: string | undefined
  readonly port?: number | string | undefined
  readonly secure?: boolean | undefined
  readonly secured?: boolean | undefined
  readonly requireTLS?: boolean | undefined
  readonly ignoreTLS?: boolean | undefined
  readonly opportunisticTLS?: boolean | undefined
  readonly lmtp?: boolean | undefined
  readonly name?: string | undefined
  readonly servername?: string | undefined
  readonly localAddress?: string | undefined
  readonly connectionTimeout?: number | undefined
  readonly greetingTimeout?: number | undefined
  readonly socketTimeout?: number | undefined
  readonly dnsTimeout?: number | undefined
  readonly maxResponseSize?: number | undefined
  readonly connectStartedAt?: number | undefined
  readonly tls?: ConnectionOptions | undefined
  readonly connection?: unknown
  readonly socket?: unknown
}

/** The same with nodemailer's defaults. */
export interface SmtpSettings {
  /** Of `tls.connect` and `net.connect`. */
  readonly target: ConnectionOptions & { readonly host: string; readonly port: number }
  /** From the first byte, without STARTTLS. */
  readonly implicit: boolean
  readonly required: boolean
  /** Whether a server that refuses STARTTLS after having offered it is spoken to all the same. */
  readonly opportunistic: boolean
  readonly hello: string
  /** When all of it must be done, ms since 1970. */
  readonly deadline: number
  /** ms. */
  readonly dnsTimeout: number
  readonly greetingTimeout: number
  readonly socketTimeout: number
  /** Bytes that a reply may have. */
  readonly longestReply: number
}

/** More than the replies to a connection and to EHLO ever have: no list of extensions comes near. */
const longestReply = 65_536

/** Nodemailer's name for this machine: its own if that is a whole one. */
function ownName(): string {
  const name = os.hostname()
  if (!name.includes('.')) return '[127.0.0.1]'
  return isIP(name) === 4 ? `[${name}]` : name
}

/** Null: there is no TLS in such a connection that could be resumed by us, and nodemailer makes it. */
export function smtpSettings(options: SmtpTransportOptions, now: number): SmtpSettings | null {
  const required = options.requireTLS === true
  const implicit = options.secure ?? Number(options.port) === 465
  if (options.connection || options.socket || options.secured || (!implicit && options.ignoreTLS && !required)) return null
  const host = options.host || 'localhost'
  const servername = options.tls?.servername || options.servername || (isIP(host) === 0 ? host : undefined)
  const { localAddress } = options
  return {
    target: {
      ...options.tls,
      host,
      port: Number(options.port) || (implicit ? 465 : 587),
      ...(localAddress ? { localAddress, family: isIP(localAddress) } : {}),
      ...(servername === undefined ? {} : { servername })
    },
    implicit,
    required,
    opportunistic: options.opportunisticTLS === true && !required,
    hello: `${options.lmtp ? 'LHLO' : 'EHLO'} ${(options.name || ownName()).replace(/[\r\n]+/g, '')}`,
    deadline: (options.connectStartedAt || now) + (options.connectionTimeout || 120_000),
    dnsTimeout: options.dnsTimeout || 30_000,
    greetingTimeout: options.greetingTimeout || 30_000,
    socketTimeout: options.socketTimeout || 600_000,
    longestReply: Math.min(options.maxResponseSize || longestReply, longestReply)
  }
}
