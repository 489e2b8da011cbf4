import { setImmediate as turn } from 'node:timers/promises'
import { refuse } from '../options.ts'
import { denialKey, nameOf } from './denial-name.ts'
import type { DeniableToken, Denylist } from './denylist.ts'
import { openPostgresStore } from './postgres-store.ts'
import { openSqliteStore } from './sqlite-store.ts'

/** Where the denials are. It may be the database of fastify-gs: the tables `gs_jwt_*` are our own. */
export type DatabaseDenylistOptions =
  | {
      /** Path of a SQLite file, for processes of one machine; made when it is missing. Needs the package `better-sqlite3`. */ readonly sqlite: string
    }
  | {
      /** Address of a PostgreSQL database, e.g. `postgres://user:password@host/database`. Needs the package `pg`. */ readonly postgres: string
    }

/** Clocks differ: what is over for the process that tidies up, may not be for another one. ms. */
const keptLonger = 600_000

/** How many times in a row a few sessions are removed: between two looks far more tokens may have been made than one call removes. */
const mostRounds = 100

const keyOf = (kind: keyof DeniableToken, value: string | undefined) => (value === undefined ? '' : denialKey(kind, value))

/**
 * Opens a denylist that several processes share, and that no restart empties. It is closed with the server to which it is given.
 *
 * @throws {JwtOptionError} (rejects) an option is wrong
 * @throws {JwtDenylistError} (rejects) the database cannot be used: its message says why
 */
export async function databaseDenylist(options: DatabaseDenylistOptions): Promise<Denylist> {
  const [engine, ...more] = Object.keys(options ?? {})
  if (more.length > 0 || (engine !== 'sqlite' && engine !== 'postgres'))
    refuse('databaseDenylist() needs either { sqlite: "path of a file" } or { postgres: "postgres://…" }.')
  const store = 'sqlite' in options ? await openSqliteStore(options.sqlite) : await openPostgresStore(options.postgres)
  const { queries } = store

  return {
    async deny(denial, now) {
      const { kind, value } = nameOf(denial)
      const query = queries.deny(denialKey(kind, value), denial.before, denial.until)
      await store.write(query, now === undefined ? undefined : queries.forgetDenials(now - keptLonger))
    },
    deniedBefore({ jti, sub, sid }, now) {
      const before = store.deniedBefore([keyOf('jti', jti), keyOf('sub', sub), keyOf('sid', sid), now])
      return before instanceof Promise ? before.then((time) => time ?? 0) : (before ?? 0)
    },
    rememberSession: (sid, until) => store.write(queries.remember(sid, until)),
    async rememberedSessions(now) {
      const over = now - keptLonger
      for (let round = 0; round < mostRounds; round++) {
        await store.write(queries.forgetSessions(over))
        if ((await store.read(queries.anySessionOver(over))).length === 0) break
        // On SQLite nothing else runs meanwhile.
        await turn()
      }
      return (await store.read(queries.remembered(now))).map(([sid]) => sid as string)
    },
    close: () => store.close()
  }
}
