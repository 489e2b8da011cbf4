import { createKeyRing } from './crypto/tokens.ts'
import { openPostgres } from './database/postgres.ts'
import { openSqlite } from './database/sqlite.ts'
import { GsOptionError } from './errors.ts'
import type { SessionEndListener } from './hooks.ts'
import { resolveDatabase, resolveKeys, resolveSession, type GsOptions, type GsSessionOptions } from './options.ts'
import { createActivity } from './sessions/activity.ts'
import { createOpenSession, type OpenedSession, type OpenSession } from './sessions/opened-session.ts'
import { createSessionData, type SessionData, type SessionDataChanges } from './sessions/session-data.ts'
import { createFindSession } from './sessions/sessions.ts'

export type { OpenedSession, OpenSession, SessionData, SessionDataChanges }
export * from './app-types.ts'

export interface SessionsOptions {
  /** The database of the server, as its option `database` names it. */
  readonly database: GsOptions['database']
  /** The keys of the server, as its option `keys` names them. */
  readonly keys: readonly string[]
  /** What the server has in its option `session`. Default: the defaults of the server. */
  readonly session?: GsSessionOptions
  /** Told about each session that is ended here, after the commit; must not throw. Default: nobody. */
  readonly onSessionEnd?: SessionEndListener
  /** The clock, ms since 1970; for tests. Default: `Date.now`. */
  readonly now?: () => number
}

/** The sessions of a server, for a process that has no server of its own. */
export interface Sessions {
  readonly openSession: OpenSession
  readonly close: () => Promise<void>
}

function refuseUnknown(options: SessionsOptions): void {
  if (typeof options !== 'object' || options === null) throw new GsOptionError('fastify-gs: openSessions() needs an object with options.')
  const known = ['database', 'keys', 'session', 'onSessionEnd', 'now']
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  if (unknown !== undefined)
    throw new GsOptionError(`fastify-gs: the option ${unknown} is not known to openSessions(); known are ${known.join(', ')}.`)
  for (const name of ['onSessionEnd', 'now'] as const)
    if (options[name] !== undefined && typeof options[name] !== 'function')
      throw new GsOptionError(`fastify-gs: the option ${name} must be a function.`)
}

/**
 * Opens the sessions of a server for background workers and other services: on the same SQLite file, or the same PostgreSQL database. What
 * one process changes or ends, the others see at their next look.
 *
 * @throws {GsOptionError} an option is wrong
 * @throws {GsStartError} the database cannot be used
 */
export async function openSessions(options: SessionsOptions): Promise<Sessions> {
  refuseUnknown(options)
  const place = resolveDatabase(options.database)
  const keys = createKeyRing(resolveKeys(options.keys))
  const { limits, ticketLimits, activityInterval, data } = resolveSession(options.session)
  const { onSessionEnd, now = Date.now } = options
  const database =
    'sqlite' in place
      ? await openSqlite(place.sqlite)
      : // An idle connection that breaks is replaced; a query on a broken one fails by itself.
        await openPostgres(place.postgres, () => undefined)
  // Nothing is used here, so all that is known of uses is what the database says.
  const activity = createActivity(activityInterval)
  const settings = { database, limits, ticketLimits, activity, now }
  return {
    openSession: createOpenSession({
      ...settings,
      keys,
      findSession: createFindSession(database, now),
      // Rules are for logins and ends of sessions, which do not happen here.
      data: createSessionData({ ...settings, options: data, failed: () => undefined }),
      ended(events) {
        if (onSessionEnd !== undefined) for (const event of events) onSessionEnd(event)
      }
    }),
    close: () => database.close()
  }
}
