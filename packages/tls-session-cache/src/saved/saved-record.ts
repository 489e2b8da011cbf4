import { SavedSessionError } from '../errors.ts'
import { longestChain } from '../lifetime.ts'
import type { Peer } from '../peer.ts'
import { longestSession, sessionFacts, unwrapSession } from '../session-facts.ts'
import type { KeptSession } from '../session-table.ts'
import type { Head } from './seal.ts'
import { formatOf, formatOfNode } from './session-format.ts'

/** What stands in a record: all of it is authenticated, the second part is hidden as well. */
export function describeSession(
  namespace: string,
  peer: Peer,
  { expiresAt, finalAt, session }: KeptSession,
  savedAt: number
): { readonly head: Head; readonly body: string } {
  const { alpn, host, key, port, servername, trust } = peer
  return {
    head: { namespace, host, port, format: formatOf(session), savedAt, expiresAt },
    body: JSON.stringify({ key, servername, alpn, trust, finalAt, session: session.toString('base64') })
  }
}

export interface SavedSession {
  readonly peer: Peer
  readonly kept: KeptSession
}

export interface LoadingRules {
  readonly namespace: string
  /** Of the cache, seconds. */
  readonly ttl: number
  readonly now: number
  readonly isMeant: (peer: Peer) => boolean
}

const damaged = () => new SavedSessionError('damaged', 'It does not say what a saved session says.')

function text(from: Head, name: string, longest = 4096): string {
  const value = from[name]
  if (typeof value !== 'string' || value.length > longest) throw damaged()
  return value
}

function whole(from: Head, name: string): number {
  const value = from[name]
  if (!Number.isFinite(value) || Math.abs(value as number) > Number.MAX_SAFE_INTEGER) throw damaged()
  return value as number
}

function names(value: unknown): string[] {
  if (!Array.isArray(value) || value.length > 256 || !value.every((name) => typeof name === 'string' && name.length <= 255)) throw damaged()
  return value as string[]
}

/** @throws {SavedSessionError} */
export function readSession({ body, head }: { readonly head: Head; readonly body: Head }, rules: LoadingRules): SavedSession {
  const { isMeant, namespace, now, ttl } = rules
  const format = head['format']
  if (format !== 'named' && format !== 'bare') throw damaged()
  if (format !== formatOfNode(process.versions.node))
    throw new SavedSessionError('version', 'It was saved by a version of Node whose sessions this one does not use.')
  if (text(head, 'namespace') !== namespace) throw new SavedSessionError('foreign', 'It is of another namespace.')
  const host = text(head, 'host')
  const port = whole(head, 'port')
  const servername = text(body, 'servername')
  const alpn = names(body['alpn'])
  const trust = text(body, 'trust')
  const peer: Peer = { key: text(body, 'key', 16_384), host, port, servername, alpn, trust, stable: true }
  if (!isMeant(peer)) throw new SavedSessionError('foreign', 'It is for a peer, or for settings, that nobody asked for.')

  const session = Buffer.from(text(body, 'session', 2 * longestSession), 'base64')
  const facts = sessionFacts(session)
  if (facts === null || !facts.resumable || facts.verifyResult !== 0 || formatOf(session) !== format) throw damaged()
  // Node compares it with the name that is connected to, so such a session would be of no use. Local sockets may have another one.
  const named = unwrapSession(session)!.name?.toLowerCase()
  if (named !== undefined && (servername !== '' || port !== 0) && named !== (servername || host))
    throw new SavedSessionError('foreign', 'It is for a server of another name.')

  // Where the clock is behind that of the process that has saved it, it must not live longer for that.
  const savedAt = whole(head, 'savedAt')
  const left = (until: number) => Math.min(until, now + Math.max(0, until - savedAt))
  const finalAt = Math.min(left(whole(body, 'finalAt')), now + longestChain)
  const expiresAt = Math.min(left(whole(head, 'expiresAt')), finalAt, now + ttl * 1000, facts.certificateUntil ?? Infinity)
  if (expiresAt <= now) throw new SavedSessionError('expired', 'Its time is over.')
  return { peer, kept: { session, protocol: facts.protocol, expiresAt, finalAt } }
}
