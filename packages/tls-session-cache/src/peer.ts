import type { ConnectionOptions } from 'node:tls'
import { trustOf } from './trust.ts'

/** Whom a connection goes to, and how: what two connections must have in common to share sessions. */
export interface Peer {
  /** All of it in one text. */
  readonly key: string
  /** Lower case; for a local socket its path, also in lower case. */
  readonly host: string
  /** 0 for a local socket. */
  readonly port: number
  /** Lower case; empty: it is not given. */
  readonly servername: string
  /** Protocols that are offered, in order. */
  readonly alpn: readonly string[]
  readonly trust: string
  /** Whether another process would find the same peer: only then its sessions can be saved. */
  readonly stable: boolean
}

/** The protocols as names of bytes, however they are given. */
function protocols(given: ConnectionOptions['ALPNProtocols']): string[] {
  if (Array.isArray(given)) return given.map((name: string | Uint8Array) => Buffer.from(name as Uint8Array).toString('latin1'))
  if (!ArrayBuffer.isView(given)) return []
  const bytes = Buffer.from(given.buffer, given.byteOffset, given.byteLength)
  const names: string[] = []
  for (let at = 0; at < bytes.length; at += 1 + bytes[at]!) names.push(bytes.toString('latin1', at + 1, at + 1 + bytes[at]!))
  return names
}

/**
 * The peer of a connection; null: its sessions are not kept. That is so where the server is not verified (a later connection that does would take
 * it for verified), where keys are shared before (`pskCallback`), and where nobody says who the server is.
 */
export function peerOf(options: ConnectionOptions): Peer | null {
  const { ALPNProtocols, host, port, pskCallback, rejectUnauthorized, servername, socket } = options
  // Empty, it is none: Node connects to host and port then.
  const path = options.path || undefined
  if (rejectUnauthorized === false || process.env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0' || pskCallback !== undefined) return null
  if (socket !== undefined && !servername && !host) return null
  const at = path ?? (host || 'localhost').toLowerCase()
  // As Node finds and compares it, to the letter: it puts the name into the session and does not use that for another.
  const name = servername || host || 'localhost'
  const { hash, stable } = trustOf(options)
  const alpn = protocols(ALPNProtocols)
  // As Node reads a text: '0x1bb' is 443.
  const number = path === undefined ? Number((port as number | string | undefined) ?? 0) || 0 : 0
  const key = JSON.stringify([path === undefined, at, number, servername ?? '', name, alpn, hash])
  return { key, host: at.toLowerCase(), port: number, servername: (servername ?? '').toLowerCase(), alpn, trust: hash, stable }
}
