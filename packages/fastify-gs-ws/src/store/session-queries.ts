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
  type ColumnType,
  type CompiledQuery,
  type Dialect,
  type SqlBool
} from 'kysely'
import { WsStartError } from '../errors.ts'
import type { ListCursor } from './list-cursor.ts'
import { idOf } from './session-key.ts'
import type { ListedWsSession, SessionStore, StoredSession } from './session-store.ts'

interface Tables {
  gs_ws_schema: { version: number }
  gs_ws_sessions: {
    key: string
    secret_hash: string
    former_hash: string | null
    former_until: number | null
    owner: string | null
    data: string
    from_client: string | null
    first_visit: number
    previous_visit: number | null
    latest_visit: number
    version: number
    links: string
    idle_until: number
    absolute_until: number
    /** The earlier one of the two before. */
    over_at: ColumnType<number, never, never>
  }
  gs_ws_numbers: { name: string; value: number }
}

type Engine = 'sqlite' | 'postgres'
export type Row = readonly unknown[]
type Visit = Parameters<SessionStore['visit']>[2]

/** The schema that this package writes. */
export const schemaVersion = 1

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

const columns = [
  'key',
  'secret_hash',
  'former_hash',
  'former_until',
  'owner',
  'data',
  'from_client',
  'first_visit',
  'previous_visit',
  'latest_visit',
  'version',
  'links',
  'idle_until',
  'absolute_until'
] as const

export function toSession(row: Row): StoredSession {
  const [
    key,
    secretHash,
    formerHash,
    formerUntil,
    owner,
    data,
    fromClient,
    firstVisit,
    previousVisit,
    latestVisit,
    version,
    links,
    idleUntil,
    absoluteUntil
  ] = row as [
    string,
    string,
    string | null,
    number | null,
    string | null,
    string,
    string | null,
    number,
    number | null,
    number,
    number,
    string,
    number,
    number
  ]
  return {
    id: idOf(key),
    secretHash,
    formerHash,
    formerUntil,
    owner,
    data,
    fromClient,
    firstVisit,
    previousVisit,
    latestVisit,
    version,
    links,
    idleUntil,
    absoluteUntil
  }
}

export function toListed(row: Row): ListedWsSession {
  const [key, owner, firstVisit, latestVisit, size] = row as [string, string | null, number, number, number]
  return { id: idOf(key), owner, firstVisit, latestVisit, size }
}

export type SessionQueries = ReturnType<typeof createSessionQueries>

/** Everything that is ever asked of the database. */
export function createSessionQueries(engine: Engine) {
  const db = new Kysely<Tables>({ dialect: dialects[engine] })
  // Compared and sorted byte by byte on every server.
  const keyType = engine === 'sqlite' ? sql`text collate binary` : sql`text collate "C"`
  /** A parameter with any number of keys and numbers, `{ key: number }` in JSON. */
  const pairs = (json: string) =>
    engine === 'sqlite'
      ? sql<{ key: string; value: number }>`json_each(${json})`
      : sql<{ key: string; value: number }>`(select key, value::bigint as value from json_each_text(${json}::json))`
  const sessions = () => db.selectFrom('gs_ws_sessions')
  const keys = () => sessions().select('key')
  /** Locks a batch in an expression of its own: a subquery may be asked again for each row, and would give others. */
  const remove = (batch: ReturnType<typeof keys>, others: 'wait' | 'skip') => {
    const locked = engine === 'sqlite' ? batch : others === 'wait' ? batch.forUpdate() : batch.forUpdate().skipLocked()
    return db
      .with('batch', () => locked)
      .deleteFrom('gs_ws_sessions')
      .where('key', 'in', (eb) => eb.selectFrom('batch').select('batch.key'))
      .returning('key')
      .compile()
  }

  return {
    createSchemaTable: db.schema
      .createTable('gs_ws_schema')
      .ifNotExists()
      .addColumn('version', 'integer', (c) => c.notNull())
      .compile(),
    readVersion: db.selectFrom('gs_ws_schema').select('version').compile(),
    createTables: [
      db.schema
        .createTable('gs_ws_sessions')
        .addColumn('key', keyType, (c) => c.notNull().primaryKey())
        .addColumn('secret_hash', 'text', (c) => c.notNull())
        .addColumn('former_hash', 'text')
        .addColumn('former_until', 'bigint')
        .addColumn('owner', 'text')
        .addColumn('data', 'text', (c) => c.notNull())
        .addColumn('from_client', 'text')
        .addColumn('first_visit', 'bigint', (c) => c.notNull())
        .addColumn('previous_visit', 'bigint')
        .addColumn('latest_visit', 'bigint', (c) => c.notNull())
        .addColumn('version', 'bigint', (c) => c.notNull())
        .addColumn('links', 'text', (c) => c.notNull())
        .addColumn('idle_until', 'bigint', (c) => c.notNull())
        .addColumn('absolute_until', 'bigint', (c) => c.notNull())
        .addColumn('over_at', 'bigint', (c) =>
          c.generatedAlwaysAs(sql`case when idle_until < absolute_until then idle_until else absolute_until end`).stored()
        )
        .compile(),
      db.schema.createIndex('gs_ws_sessions_over').on('gs_ws_sessions').column('over_at').compile(),
      db.schema.createIndex('gs_ws_sessions_latest').on('gs_ws_sessions').columns(['latest_visit', 'key']).compile(),
      db.schema.createIndex('gs_ws_sessions_owner').on('gs_ws_sessions').columns(['owner', 'key']).compile(),
      db.schema
        .createTable('gs_ws_numbers')
        .addColumn('name', 'text', (c) => c.notNull().primaryKey())
        .addColumn('value', 'bigint', (c) => c.notNull())
        .compile(),
      db.insertInto('gs_ws_schema').values({ version: schemaVersion }).compile()
    ],
    /** What must be there. */
    probes: [
      sessions()
        .select([...columns, 'over_at'])
        .where('key', '=', '')
        .compile(),
      db.selectFrom('gs_ws_numbers').select(['name', 'value']).where('name', '=', '').compile()
    ],

    create: (key: string, s: StoredSession) =>
      db
        .insertInto('gs_ws_sessions')
        .values({
          key,
          secret_hash: s.secretHash,
          former_hash: s.formerHash,
          former_until: s.formerUntil,
          owner: s.owner,
          data: s.data,
          from_client: s.fromClient,
          first_visit: s.firstVisit,
          previous_visit: s.previousVisit,
          latest_visit: s.latestVisit,
          version: s.version,
          links: s.links,
          idle_until: s.idleUntil,
          absolute_until: s.absoluteUntil
        })
        .onConflict((oc) => oc.column('key').doNothing())
        .returning('key')
        .compile(),
    find: (key: string, now: number) => sessions().select(columns).where('key', '=', key).where('over_at', '>', now).compile(),
    save: (key: string, version: number, data: string, links: string, now: number) =>
      db
        .updateTable('gs_ws_sessions')
        .set((eb) => ({ data, links, version: eb('version', '+', 1) }))
        .where('key', '=', key)
        .where('version', '=', version)
        .where('over_at', '>', now)
        .returning('version')
        .compile(),
    visit: (key: string, secretHash: string, change: Visit) =>
      db
        .updateTable('gs_ws_sessions')
        .set({
          secret_hash: change.secretHash,
          former_hash: change.formerHash,
          former_until: change.formerUntil,
          previous_visit: change.previousVisit,
          latest_visit: change.latestVisit,
          idle_until: change.idleUntil
        })
        .where('key', '=', key)
        .where('secret_hash', '=', secretHash)
        .where('over_at', '>', change.latestVisit)
        .returning('key')
        .compile(),
    extend: (json: string) =>
      db
        .updateTable('gs_ws_sessions as s')
        .from(pairs(json).as('w'))
        .set((eb) => ({ idle_until: eb.ref('w.value') }))
        .whereRef('s.key', '=', 'w.key')
        .whereRef('s.idle_until', '<', 'w.value')
        .compile(),

    endOne: (key: string) => db.deleteFrom('gs_ws_sessions').where('key', '=', key).returning('key').compile(),
    endOfOwner: (owner: string, most: number) => remove(keys().where('owner', '=', owner).orderBy('key').limit(most), 'wait'),
    endAny: (most: number) => remove(keys().orderBy('key').limit(most), 'wait'),
    // What another process changes just now is not over.
    prune: (now: number, most: number) => remove(keys().where('over_at', '<=', now).orderBy('over_at').limit(most), 'skip'),

    list: (now: number, most: number, from: ListCursor | null) =>
      sessions()
        .select(['key', 'owner', 'first_visit', 'latest_visit'])
        .select(sql<number>`octet_length(data)`.as('size'))
        .where('over_at', '>', now)
        .$if(from !== null, (query) => query.where(sql<SqlBool>`(latest_visit, key) < (${from!.latestVisit}, ${from!.key})`))
        .orderBy('latest_visit', 'desc')
        .orderBy('key', 'desc')
        .limit(most)
        .compile(),
    /** Those of the given ones that have another version, or are gone. */
    changes: (json: string) =>
      db
        .selectFrom(pairs(json).as('w'))
        .leftJoin('gs_ws_sessions as s', 's.key', 'w.key')
        .select(['w.key', 's.version'])
        .where((eb) => eb('s.version', 'is distinct from', eb.ref('w.value')))
        .compile(),

    nextNumber: db
      .insertInto('gs_ws_numbers')
      .values({ name: 'session', value: 1 })
      .onConflict((oc) => oc.column('name').doUpdateSet({ value: sql`gs_ws_numbers.value + 1` }))
      .returning('value')
      .compile(),
    raiseNumber: (above: number) =>
      db
        .insertInto('gs_ws_numbers')
        .values({ name: 'session', value: above })
        .onConflict((oc) =>
          oc
            .column('name')
            .doUpdateSet({ value: sql`excluded.value` })
            .where('gs_ws_numbers.value', '<', sql<number>`excluded.value`)
        )
        .compile()
  }
}

/**
 * Makes the tables, inside of a transaction in which no other process does the same.
 *
 * @throws {WsStartError} a newer version of this package has made them; whatever the database throws, when it has not all of them
 */
export async function createTables(
  queries: SessionQueries,
  run: (query: CompiledQuery) => readonly Row[] | Promise<readonly Row[]>,
  name: string
): Promise<void> {
  await run(queries.createSchemaTable)
  const version = (await run(queries.readVersion))[0]?.[0]
  if (version === undefined) for (const query of queries.createTables) await run(query)
  else if (Number(version) > schemaVersion)
    throw new WsStartError(
      `The sessions in ${name} were written by a newer version of fastify-gs-ws (schema ${Number(version)}, this version knows ${schemaVersion}); install that version.`
    )
  // What is missing, or not for this user, is heard of now, and not by each connection.
  for (const query of queries.probes) await run(query)
}
