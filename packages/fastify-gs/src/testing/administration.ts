import type { TestContext } from 'node:test'
import type { Administration } from '../admin/administration.ts'
import { createAdministration } from '../admin/create-administration.ts'
import type { GsDatabase } from '../database/database.ts'
import type { SessionEndEvent } from '../hooks.ts'
import { createSession } from '../sessions/sessions.ts'
import { Clock, quickHasher } from './build.ts'
import type { engines } from './databases.ts'

export interface Administered {
  readonly database: GsDatabase
  readonly administration: Administration
  readonly clock: Clock
  /** Sessions that the administration has ended, as `session cause`. */
  readonly ended: string[]
  /** Events for the application that wait, oldest first, as `type username`. */
  readonly events: () => Promise<string[]>
  /** Logs the account in; gives the id and the token of the session. */
  readonly logIn: (accountId: string, change?: { userAgent?: string }) => Promise<{ id: string; token: string }>
}

/** An administration of an empty database. */
export async function administer(t: TestContext, engine: (typeof engines)[number]): Promise<Administered> {
  const database = await engine.open(t)
  const clock = new Clock()
  const ended: string[] = []
  const onSessionEnd = ({ sessionId, cause }: SessionEndEvent) => void ended.push(`${sessionId} ${cause}`)
  return {
    database,
    clock,
    ended,
    administration: createAdministration(database, { hasher: quickHasher, now: () => clock.now, onSessionEnd }),
    async events() {
      const rows = await database.db
        .selectFrom('gs_outbox')
        .select(['kind', 'parameters'])
        .where('kind', 'like', 'account%')
        .where('recipient', '=', '')
        .orderBy('created_at')
        .orderBy('kind')
        .execute()
      return rows.map(({ kind, parameters }) => {
        const { username, cause } = JSON.parse(parameters) as { username: string; cause: string | null }
        return [kind, username, cause].filter((part) => part !== null).join(' ')
      })
    },
    logIn: (accountId, { userAgent = 'Test' } = {}) =>
      database.transaction((trx) =>
        createSession(
          trx,
          { accountId, remember: false, forgotAt: null, ip: '192.0.2.7', userAgent, now: clock.now },
          { idle: 3_600_000, absolute: 86_400_000, remembered: 2_592_000_000 }
        )
      )
  }
}
