import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
  type CompiledQuery,
  type Dialect
} from 'kysely'
import { JwtDenylistError } from '../errors.ts'
import { denialKinds } from './denial-name.ts'

interface Tables {
  gs_jwt_schema: { version: number }
  gs_jwt_denials: { key: string; before_ms: number; until_ms: number }
  gs_jwt_sessions: { sid: string; until_ms: number }
}

type Engine = 'sqlite' | 'postgres'

/** The schema that this package writes. */
export const schemaVersion = 1

/** How many rows that are over one call removes: more than it writes, and never many. */
const batch = 100

/** Both drivers are simple; Kysely only writes what we ask of them. */
const dialects: Readonly<Record<Engine, Dialect>> = {
  sqlite: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler()
  },
  postgres: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler()
  }
}

const later = (table: 'gs_jwt_denials' | 'gs_jwt_sessions', column: 'before_ms' | 'until_ms') => {
  const [given, kept] = [sql.ref(`excluded.${column}`), sql.ref(`${table}.${column}`)]
  return sql<number>`case when ${given} > ${kept} then ${given} else ${kept} end`
}

export type DenialQueries = ReturnType<typeof createDenialQueries>

/** Everything that is ever asked of the database. */
export function createDenialQueries(engine: Engine) {
  const db = new Kysely<Tables>({ dialect: dialects[engine] })
  /** A row is found by its key alone. */
  const table = (name: 'gs_jwt_denials' | 'gs_jwt_sessions', key: string) =>
    db.schema
      .createTable(name)
      .addColumn(key, 'text', (c) => c.notNull().primaryKey())
      .$call((builder) => (engine === 'sqlite' ? builder.modifyEnd(sql`without rowid`) : builder))

  return {
    createSchemaTable: db.schema
      .createTable('gs_jwt_schema')
      .ifNotExists()
      .addColumn('version', 'integer', (c) => c.notNull())
      .compile(),
    readVersion: db.selectFrom('gs_jwt_schema').select('version').compile(),
    createTables: [
      table('gs_jwt_denials', 'key')
        .addColumn('before_ms', 'bigint', (c) => c.notNull())
        .addColumn('until_ms', 'bigint', (c) => c.notNull())
        .compile(),
      db.schema.createIndex('gs_jwt_denials_until').on('gs_jwt_denials').column('until_ms').compile(),
      table('gs_jwt_sessions', 'sid')
        .addColumn('until_ms', 'bigint', (c) => c.notNull())
        .compile(),
      db.schema.createIndex('gs_jwt_sessions_until').on('gs_jwt_sessions').column('until_ms').compile(),
      db.insertInto('gs_jwt_schema').values({ version: schemaVersion }).compile()
    ],

    /** Parameters: a key for each kind of name, and now. */
    deniedBefore: db
      .selectFrom('gs_jwt_denials')
      .select((eb) => eb.fn.max('before_ms').as('before_ms'))
      .where(
        'key',
        'in',
        denialKinds.map(() => '')
      )
      .where('until_ms', '>', 0)
      .compile(),
    deny: (key: string, before: number, until: number) =>
      db
        .insertInto('gs_jwt_denials')
        .values({ key, before_ms: before, until_ms: until })
        .onConflict((oc) =>
          oc.column('key').doUpdateSet({
            before_ms: later('gs_jwt_denials', 'before_ms'),
            until_ms: later('gs_jwt_denials', 'until_ms')
          })
        )
        .compile(),
    forgetDenials: (over: number) =>
      db
        .deleteFrom('gs_jwt_denials')
        .where('key', 'in', (eb) =>
          eb
            .selectFrom('gs_jwt_denials')
            .select('key')
            .where('until_ms', '<=', over)
            .orderBy('until_ms')
            .limit(batch)
            // What another process changes just now is not over.
            .$if(engine === 'postgres', (query) => query.forUpdate().skipLocked())
        )
        .compile(),

    remember: (sid: string, until: number) =>
      db
        .insertInto('gs_jwt_sessions')
        .values({ sid, until_ms: until })
        .onConflict((oc) => oc.column('sid').doUpdateSet({ until_ms: later('gs_jwt_sessions', 'until_ms') }))
        .compile(),
    remembered: (now: number) => db.selectFrom('gs_jwt_sessions').select('sid').where('until_ms', '>', now).compile(),
    forgetSessions: (over: number) =>
      db
        .deleteFrom('gs_jwt_sessions')
        .where('sid', 'in', (eb) =>
          eb
            .selectFrom('gs_jwt_sessions')
            .select('sid')
            .where('until_ms', '<=', over)
            .orderBy('until_ms')
            .limit(batch)
            .$if(engine === 'postgres', (query) => query.forUpdate().skipLocked())
        )
        .compile(),
    anySessionOver: (over: number) => db.selectFrom('gs_jwt_sessions').select('sid').where('until_ms', '<=', over).limit(1).compile()
  }
}

export type Row = readonly unknown[]

/**
 * Makes the tables, inside of a transaction in which no other process does the same.
 *
 * @throws {JwtDenylistError} a newer version of this package has made them; whatever the database throws, when it has not all of them
 */
export async function createTables(
  queries: DenialQueries,
  run: (query: CompiledQuery) => readonly Row[] | Promise<readonly Row[]>,
  name: string
): Promise<void> {
  await run(queries.createSchemaTable)
  const version = (await run(queries.readVersion))[0]?.[0]
  if (version === undefined) for (const query of queries.createTables) await run(query)
  else if (Number(version) > schemaVersion)
    throw new JwtDenylistError(
      `The denials in ${name} were written by a newer version of fastify-gs-jwt (schema ${Number(version)}, this version knows ${schemaVersion}); install that version.`
    )
  // What is missing, or not for this user, is heard of now, and not by each request.
  for (const query of [queries.deniedBefore, queries.anySessionOver(0)]) await run(query)
}
