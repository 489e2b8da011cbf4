import { SavedSessionError, type SavedSessionFault } from '../errors.ts'
import { peerOf, type Peer } from '../peer.ts'
import { internalsOf, type TlsSessionCache } from '../session-cache.ts'
import type { KeptSession } from '../session-table.ts'
import { most } from './limits.ts'
import { readSession, type LoadingRules, type SavedSession } from './saved-record.ts'
import { refuse, resolveSaveOptions, type LoadOptions, type ResolvedSaveOptions } from './saved-options.ts'
import { createOpener } from './seal.ts'

/** A saved session that cannot be used. */
export interface RefusedSession {
  /** Which one it is, from 1; 0: what is said goes for all of them. */
  readonly record: number
  readonly fault: SavedSessionFault
  /** For people. Has nothing of the session in it. */
  readonly reason: string
}

/** What came of loading. */
export interface LoadedCount {
  /** Sessions that the cache has now. */
  readonly taken: number
  /** Sessions that it did not need: there are some for their peer already, which are newer, or it was the same once more. */
  readonly present: number
  /** Sessions that it had no room for, or it is closed or switched off. */
  readonly surplus: number
  readonly refused: readonly RefusedSession[]
}

/** The lines of a text, without making a list of them: it may have millions. */
function* linesOf(text: string): Generator<string> {
  for (let at = 0; at < text.length;) {
    const end = text.indexOf('\n', at)
    const line = text.slice(at, end === -1 ? undefined : end)
    if (line !== '' && line !== '\r') yield line.endsWith('\r') ? line.slice(0, -1) : line
    at = end === -1 ? text.length : end + 1
  }
}

export interface ReadSessions {
  readonly sessions: readonly SavedSession[]
  readonly refused: readonly RefusedSession[]
}

export async function readSessions(cache: TlsSessionCache, text: string, resolved: ResolvedSaveOptions): Promise<ReadSessions> {
  const { options } = internalsOf(cache)
  const sessions: SavedSession[] = []
  const refused: RefusedSession[] = []
  const open = createOpener(resolved.protection)
  const isMeant = meantBy(resolved)
  let record = 0
  const all = text.length > most.bytes ? [] : linesOf(text)
  if (text.length > most.bytes) refused.push({ record: 0, fault: 'damaged', reason: `It is longer than ${most.bytes} bytes.` })
  for (const line of all) {
    if (++record > most.records) {
      refused.push({ record, fault: 'damaged', reason: `It and those behind it are more than ${most.records}.` })
      break
    }
    try {
      if (line.length > most.record) throw new SavedSessionError('damaged', `It is longer than ${most.record} bytes.`)
      const opened = await open(line)
      const rules: LoadingRules = { namespace: cache.namespace, ttl: options.ttl, now: options.now(), isMeant }
      sessions.push(readSession(opened, rules))
    } catch (error) {
      if (!(error instanceof SavedSessionError)) throw error
      refused.push({ record, fault: error.fault, reason: error.message })
    }
  }
  return { sessions, refused }
}

function meantBy({ connections, host, port }: ResolvedSaveOptions): (peer: Peer) => boolean {
  const keys = connections === null ? null : new Set(connections.map((connection) => peerOf(connection)?.key))
  return (peer) => (host === null || peer.host === host) && (port === null || peer.port === port) && (keys === null || keys.has(peer.key))
}

/** Puts sessions behind those that the cache has. */
export function takeSessions(cache: TlsSessionCache, { refused, sessions }: ReadSessions): LoadedCount {
  const { options, table } = internalsOf(cache)
  const rows = new Map<string, { readonly peer: Peer; readonly sessions: KeptSession[] }>()
  const seen = new Set<string>()
  let present = 0
  for (const { kept, peer } of sessions) {
    const name = kept.session.toString('base64')
    if (table.has(peer) || seen.has(name)) {
      present++
      continue
    }
    seen.add(name)
    const row = rows.get(peer.key)
    if (row === undefined) rows.set(peer.key, { peer, sessions: [kept] })
    else row.sessions.push(kept)
  }
  const taken = cache.closed || !options.enabled ? 0 : table.adopt(Array.from(rows.values()))
  return { taken, present, surplus: sessions.length - present - taken, refused }
}

/**
 * Takes sessions that `dumpSessions` has saved. What cannot be used is refused, each session by itself. Those for peers that the cache has sessions
 * of are left, because its own are newer. No session lives longer for having been saved.
 *
 * @throws {TlsCacheOptionError} (rejects) an option is wrong, or there is neither a key nor `plaintext: true`
 */
export async function loadSessions(cache: TlsSessionCache, saved: string | Uint8Array, options: LoadOptions): Promise<LoadedCount> {
  const resolved = resolveSaveOptions(options, ['connections'], false)
  if (typeof saved !== 'string' && !(saved instanceof Uint8Array)) refuse('loadSessions() needs the text that dumpSessions() has made.')
  const text = typeof saved === 'string' ? saved : textOf(saved)
  return takeSessions(cache, await readSessions(cache, text, resolved))
}

/** Records are ASCII; other bytes make them damaged. */
export const textOf = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
