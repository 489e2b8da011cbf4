import { startPostgres } from './rv4-pg.ts'
import { openPostgres } from './src/database/postgres.ts'
import { openSqlite } from './src/database/sqlite.ts'
import { insertAccount } from './src/accounts/accounts.ts'
import { createSession, endSession } from './src/sessions/sessions.ts'
import { pruneChanges } from './src/database/changes.ts'
import { createId, digest, createToken } from './src/crypto/tokens.ts'
import { sql } from 'kysely'
import pg from 'pg'
import { mkdtempSync } from 'node:fs'
const limits = { idle: 3.6e6, absolute: 8.64e7, remembered: 1e9 }
const what = process.argv[2]
const server = await startPostgres()
try {
if (what === 'throughput') {
  const admin = new pg.Client(server.url); await admin.connect()
  await admin.query("alter system set fsync=on"); await admin.query("select pg_reload_conf()")
  const database = await openPostgres(server.url, () => undefined)
  for (let i = 0; i < 50; i++) await database.transaction((t) => insertAccount(t, { id: 'a'+i, username: {value:'a'+i,key:'a'+i}, email: {value:'a'+i+'@x.test',key:'a'+i+'@x.test'}, passwordHash:'', createdAt: 1 } as never))
  const listener = new pg.Client(server.url); listener.on('error', () => {}); admin.on('error', () => {}); await listener.connect(); await listener.query('listen gs_changes')
  const plain = (i: number) => database.transaction((trx) => trx.insertInto('gs_sessions').values({ id: createId(), token_hash: digest(createToken()), account_id: 'a'+(i%50), created_at: 1, last_active_at: 1, expires_at: 1e13, remember: 0, forgot_at: null, ip: '', user_agent: '', referer: null } as never).execute())
  const logged = (i: number) => database.transaction((trx) => createSession(trx, { accountId: 'a'+(i%50), remember: false, forgotAt: null, ip: '', userAgent: '', now: Date.now() }, limits))
  const run = async (work: (i: number) => Promise<unknown>, ms = 1500) => {
    const end = performance.now() + ms; let n = 0
    await Promise.all(Array.from({ length: 10 }, async () => { while (performance.now() < end) await work(n++) }))
    return n / ms * 1000
  }
  const rows: number[][] = []
  for (let round = 0; round < 4; round++) {
    const a = await run(plain)
    const b = await run(logged)
    await admin.query('alter table gs_changes disable trigger gs_changes_told')
    const c = await run(logged)
    await admin.query('alter table gs_changes enable trigger gs_changes_told')
    rows.push([a, b, c])
    console.log('no log', a.toFixed(0), '/s; log+notify', b.toFixed(0), '; log without notify', c.toFixed(0))
  }
  await listener.end(); await admin.end(); await database.close()
}
if (what === 'prune') {
  for (const database of [await openSqlite(mkdtempSync('/tmp/rv4/x') + '/gs.sqlite3'), await openPostgres(server.url, () => undefined)]) {
    const fill = async (n: number, type: string, age: number) => {
      for (let done = 0; done < n; done += 2000) {
        await database.transaction((trx) => trx.insertInto('gs_changes').values(Array.from({ length: 2000 }, (_, i) => ({ account_id: 'a', type, session_id: createId(), cause: type === 'end' ? 'idle' : null, token_hash: type === 'end' ? digest('' + done + i) : null, at: Date.now() - age })) as never).execute())
      }
    }
    await fill(200_000, 'end', 4 * 3_600_000)
    const time = async () => { const s = performance.now(); await database.transaction((t) => pruneChanges(t)); return (performance.now() - s).toFixed(0) }
    console.log(database.engine, 'nothing to prune, 200k ends of 4 h ago:', await time(), await time(), 'ms')
    await fill(200_000, 'login', 2 * 3_600_000)
    console.log(database.engine, '200k logins to prune', await time(), 'ms')
    await database.close()
  }
}
} finally { await server.stop() }
