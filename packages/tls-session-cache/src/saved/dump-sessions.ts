import { internalsOf, type TlsSessionCache } from '../session-cache.ts'
import { most } from './limits.ts'
import { describeSession, type SavedSession } from './saved-record.ts'
import { resolveSaveOptions, type DumpOptions, type ResolvedSaveOptions } from './saved-options.ts'
import { createSealer } from './seal.ts'

/** What came of saving. */
export interface SavedCount {
  /** Sessions that were saved. */
  readonly saved: number
  /**
   * Sessions that cannot be, because no other process can know that it trusts the same: their connections have an option that is a function or an
   * object (`checkServerIdentity`, `secureContext`), or trust what OpenSSL finds (`--use-openssl-ca`).
   */
  readonly unstable: number
  /** Sessions that went beyond 16 MiB or 20000 records: those that were used longest ago. */
  readonly beyond: number
}

export interface SessionDump extends SavedCount {
  /** One line for each session, those that were used last first. Each can be loaded alone. */
  readonly text: string
}

export interface WrittenDump extends SessionDump {
  /** Gives back to the cache what has left it: the dump came to nothing. */
  readonly undo: () => void
}

export async function writeDump(cache: TlsSessionCache, { host, move, port, protection }: ResolvedSaveOptions): Promise<WrittenDump> {
  const { options, table } = internalsOf(cache)
  const chosen: SavedSession[] = []
  let unstable = 0
  for (const { peer, sessions } of table.entries()) {
    if ((host !== null && peer.host !== host) || (port !== null && peer.port !== port)) continue
    if (peer.stable) chosen.push(...sessions.map((kept) => ({ peer, kept })))
    else unstable += sessions.length
  }
  const dumped = chosen.slice(0, most.records)
  // Before anything is waited for: a connection could be given one meanwhile.
  const moved = move ? dumped.filter(({ kept }) => kept.protocol === 'TLSv1.3') : []
  for (const { kept, peer } of moved) table.remove(peer, kept)
  const { forgets } = table
  const giveBack = (back: readonly SavedSession[]) => {
    if (cache.closed || table.forgets !== forgets) return
    // The newest at last, as they came.
    for (const { kept, peer } of back.toReversed()) table.put(peer, kept)
  }
  const undo = () => giveBack(moved)

  try {
    const seal = await createSealer(protection)
    const savedAt = options.now()
    const lines: string[] = []
    let length = 0
    for (const { kept, peer } of dumped) {
      const { body, head } = describeSession(cache.namespace, peer, kept, savedAt)
      const line = seal(head, body)
      if (line.length > most.record || length + line.length + 1 > most.bytes) break
      lines.push(`${line}\n`)
      length += line.length + 1
    }
    const beyond = new Set(dumped.slice(lines.length))
    giveBack(moved.filter((one) => beyond.has(one)))
    return { text: lines.join(''), saved: lines.length, unstable, beyond: chosen.length - lines.length, undo }
  } catch (error) {
    undo()
    throw error
  }
}

/**
 * Saves the sessions of all peers, or of one host, for another process to load, as text.
 *
 * @throws {TlsCacheOptionError} (rejects) an option is wrong, or there is neither a key nor `plaintext: true`
 */
export async function dumpSessions(cache: TlsSessionCache, options: DumpOptions): Promise<SessionDump> {
  const resolved = resolveSaveOptions(options, ['move'], internalsOf(cache).options.singleUse)
  const { beyond, saved, text, unstable } = await writeDump(cache, resolved)
  return { text, saved, unstable, beyond }
}
