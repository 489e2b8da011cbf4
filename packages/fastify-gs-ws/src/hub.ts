import { AsyncLocalStorage } from 'node:async_hooks'
import type { FastifyBaseLogger } from 'fastify'
import type { Counts, HourlyLimit } from './limits.ts'
import type { LiveSession, LiveSessions } from './live-sessions-types.ts'
import type { Link } from './link.ts'
import type { NumberedPeer } from './numbered-peer.ts'
import type { ResolvedOptions } from './options.ts'
import type { WsConnection, WsHandler } from './ws-connection.ts'

/** A message that a handler is at work on. */
export interface Task {
  readonly link: Link | null
  readonly n: number
  readonly replayed: boolean
}

/** While its handler is at work. */
export interface RunningTask extends Task {
  readonly live: LiveSession
  /** Of the session, when it began. */
  readonly takenBack: number
}

/** What all connections of an application have in common. */
export interface Hub {
  readonly options: ResolvedOptions
  readonly log: Pick<FastifyBaseLogger, 'error' | 'warn' | 'info' | 'debug'>
  readonly live: LiveSessions
  readonly handlers: Map<string, WsHandler>
  readonly answers: Map<string, WsHandler>
  readonly listeners: Set<(conn: WsConnection) => void | Promise<void>>
  readonly connections: Set<WsConnection>
  /** By session and name; also those that have no connection at the moment. */
  readonly links: Map<string, NumberedPeer>
  /** New sessions of an address. */
  readonly creates: HourlyLimit
  readonly open: Counts
  /** ms, of a clock that nobody sets back. */
  readonly elapsed: () => number
  readonly running: AsyncLocalStorage<RunningTask>
}
