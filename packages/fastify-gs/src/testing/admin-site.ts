import { Writable } from 'node:stream'
import type { TestContext } from 'node:test'
import { openAdministration, type Administration } from '../admin/administration.ts'
import type { AdminAccount, AuditEntry } from '../api.ts'
import { openPostgres } from '../database/postgres.ts'
import { openSqlite } from '../database/sqlite.ts'
import type { GsDatabase } from '../database/database.ts'
import type { GsOptions } from '../options.ts'
import { Browser, build, password, quickHasher, type Built } from './build.ts'
import { emptyPostgres } from './databases.ts'

export type Engine = 'SQLite' | 'PostgreSQL'

/** The admin of the configuration. */
export const chief = 'Chief'

export interface AdminSite extends Built {
  /** Another process on the same database: the one of an operator. */
  readonly administration: Administration
  readonly database: GsDatabase
  /** An account with a password; verified and of the level 10 unless something else is said. Gives its id. */
  readonly add: (username: string, facts?: { level?: number; verified?: boolean; sectors?: number }) => Promise<string>
  readonly logIn: (username: string) => Promise<Browser>
  /** An account that is logged in. */
  readonly admin: (username: string, level: number) => Promise<Browser>
  readonly account: (id: string) => Promise<AdminAccount>
  /** What the audit says of the network, newest first. */
  readonly audit: () => Promise<AuditEntry[]>
  /** What the server has logged about admins. */
  readonly logged: () => { level: number; action?: string; outcome?: string; actorId: string; accountId: string | null; ip: string }[]
  /** How many requests the server has begun to answer; on SQLite it knows then who asks. */
  readonly begun: () => number
  readonly idOf: (username: string) => Promise<string>
}

/** A site with a configured admin and the sectors `press` (bit 4) and `editor` (bit 5), on either engine. */
export async function adminSite(t: TestContext, engine: Engine, options: Partial<GsOptions> = {}): Promise<AdminSite> {
  const postgres = engine === 'PostgreSQL' ? await emptyPostgres() : undefined
  const lines: string[] = []
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString())
      done()
    }
  })
  const built = await build(
    t,
    {
      admin: { username: chief, passwordHash: await quickHasher.hash(Buffer.from(password)) },
      sectors: ['press', 'editor'],
      ...(postgres !== undefined && { database: { postgres } }),
      ...options
    },
    undefined,
    { logger: { level: 'info', stream } }
  )
  const place = postgres === undefined ? { sqlite: built.databasePath } : { postgres }
  const administration = await openAdministration({ database: place, hasher: quickHasher, now: () => built.clock.now })
  const database = await ('sqlite' in place ? openSqlite(place.sqlite) : openPostgres(place.postgres, () => undefined))
  t.after(async () => {
    await administration.close()
    await database.close()
  })
  const { audit } = administration

  const site: AdminSite = {
    ...built,
    administration,
    database,
    async add(username, { level = 10, verified = true, sectors = 0 } = {}) {
      const { id } = await administration.accounts.add({ username, email: `${username}@mail.test`, password, verified })
      if (level !== 10 || sectors !== 0) await administration.accounts.grant(id, { level, sectors })
      return id
    },
    async logIn(username) {
      const browser = built.browser()
      const response = await browser.post('/lwsgs/login', { username, password })
      if (response.statusCode !== 200) throw new Error(response.body)
      return browser
    },
    async admin(username, level) {
      await site.add(username, { level })
      return site.logIn(username)
    },
    async account(id) {
      const response = await (await site.logIn(chief)).get(`/lwsgs/admin/accounts/${id}`)
      if (response.statusCode !== 200) throw new Error(response.body)
      return response.json<{ account: AdminAccount }>().account
    },
    async audit() {
      const { entries } = await audit.list({ limit: 1000 })
      return entries.filter(({ actor }) => actor !== 'gs')
    },
    logged: () =>
      lines.map((line) => JSON.parse(line) as { gs?: string } & ReturnType<AdminSite['logged']>[number]).filter(({ gs }) => gs === 'admin'),
    begun: () => lines.filter((line) => line.includes('"incoming request"')).length,
    async idOf(username) {
      return (await administration.accounts.find(username))!.id
    }
  }
  return site
}
