import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import Sqlite from 'better-sqlite3'
import { ClassicLevel } from 'classic-level'
import fastify from 'fastify'
import { emptyPostgres } from 'fastify-gs/testing'
import { fastifyGsWs, postgresStore, sqliteStore } from 'fastify-gs-ws'
import { gs, gsJson, temporaryDirectory } from '../testing/run-gs.ts'
import { makeWebgramStore, webgramRecord } from '../testing/webgram-store.ts'

interface Report {
  dryRun: boolean
  imported: number
  known: number
  nextNumber: number | null
  repaired: boolean
  refused: { id: string; reason: string }[]
}

const day = 86_400_000

const engines = {
  SQLite: (directory: string) => Promise.resolve(join(directory, 'ws.sqlite3')),
  PostgreSQL: () => emptyPostgres()
}
const openStore = (place: string) => (place.startsWith('postgres') ? postgresStore({ url: place }) : sqliteStore({ path: place }))

/** All files of a directory, with what is in them. */
const contents = (directory: string) => readdirSync(directory).map((file) => [file, readFileSync(join(directory, file), 'base64')])

for (const [engine, place] of Object.entries(engines)) {
  test(`sessions of webgram-sessions are taken over once, with what the application kept in them (${engine})`, async (t) => {
    const directory = temporaryDirectory(t)
    const old = join(directory, 'webgram-server-secrets')
    const ann = webgramRecord(7, {
      _previousVisitTime: '2018-03-01T20:00:00.000Z',
      _fromClient: { app: 'old', n: [1] },
      count: 12,
      name: 'Ann ✓',
      _own: true
    })
    const { _secret: secret } = ann
    const device = webgramRecord('device-a')
    await makeWebgramStore(old, { 7: ann, 'device-a': device, nextSessionID: 9 })
    const before = contents(old)
    const database = await place(directory)
    const args = ['import-webgram', old, '--database', database]

    const report = await gsJson<Report>(args)
    assert.deepEqual(report, { dryRun: false, imported: 2, known: 0, nextNumber: 9, repaired: false, refused: [] })
    assert.deepEqual(contents(old), before)

    const store = await openStore(database)
    t.after(() => store.close())
    const now = Date.now()
    const found = (await store.find(7, now))!
    const { data, fromClient, idleUntil, absoluteUntil, ...rest } = found
    assert.deepEqual(JSON.parse(data), { count: 12, name: 'Ann ✓', _own: true })
    assert.deepEqual(JSON.parse(fromClient!), { app: 'old', n: [1] })
    assert.ok(Math.abs(idleUntil - now - 30 * day) < 60_000 && Math.abs(absoluteUntil - now - 365 * day) < 60_000)
    assert.deepEqual(rest, {
      id: 7,
      secretHash: createHash('sha256').update(secret).digest('base64url'),
      formerHash: null,
      formerUntil: null,
      owner: null,
      firstVisit: Date.parse('2018-03-01T10:00:00.000Z'),
      previousVisit: Date.parse('2018-03-01T20:00:00.000Z'),
      latestVisit: Date.parse('2018-03-02T10:00:00.000Z'),
      version: 1,
      links: '{}'
    })
    assert.equal(await store.find('7', now), null)
    const second = (await store.find('device-a', now))!
    assert.deepEqual([second.data, second.fromClient, second.previousVisit], ['{}', null, null])
    assert.equal(await store.nextNumber(), 9)

    await store.save(7, 1, { data: '{"count":13}', links: '{}', now })
    const again = await gsJson<Report>(args)
    assert.deepEqual([again.imported, again.known, again.refused], [0, 2, []])
    assert.equal((await store.find(7, now))!.data, '{"count":13}')
    assert.equal(await store.nextNumber(), 10)
  })

  test(`a dry run tells the same and changes nothing (${engine})`, async (t) => {
    const directory = temporaryDirectory(t)
    const old = join(directory, 'old')
    await makeWebgramStore(old, { 1: webgramRecord(1), 2: webgramRecord(2), nextSessionID: 3 })
    const database = await place(directory)
    const args = ['import-webgram', old, '--database', database]
    const dry: Report = { dryRun: true, imported: 2, known: 0, nextNumber: 3, repaired: false, refused: [] }
    assert.deepEqual(await gsJson<Report>([...args, '--dry-run']), dry)
    if (engine === 'SQLite') assert.equal(existsSync(database), false)
    assert.deepEqual(await gsJson<Report>([...args, '--dry-run']), dry)
    assert.deepEqual(await gsJson<Report>(args), { ...dry, dryRun: false })
    const store = await openStore(database)
    t.after(() => store.close())
    await store.end({ id: 2 })
    assert.deepEqual(await gsJson<Report>([...args, '--dry-run']), { ...dry, imported: 1, known: 1 })
    assert.equal(await store.find(2, Date.now()), null)
    assert.equal(await store.nextNumber(), 3)
  })
}

test('a client of webgram-sessions goes on with its old session, and a new one gets the next number', async (t) => {
  const directory = temporaryDirectory(t)
  const old = join(directory, 'old')
  const record = webgramRecord(4, { count: 12 })
  const { _secret: secret } = record
  await makeWebgramStore(old, { 4: record, nextSessionID: 6 })
  const path = join(directory, 'ws.sqlite3')
  await gsJson(['import-webgram', old, '--database', path])

  const app = fastify({ forceCloseConnections: true })
  t.after(() => app.close())
  await app.register(fastifyGsWs, { path: '/ws', store: await sqliteStore({ path }), ids: 'sequence' })
  app.gsWs.answer('data', (conn) => conn.session.data)
  const address = (await app.listen({ host: '127.0.0.1', port: 0 })).replace(/^http/, 'ws')
  const talk = async (...frames: unknown[][]) => {
    const socket = new WebSocket(`${address}/ws`)
    const heard: unknown[] = []
    await once(socket, 'open')
    for (const frame of frames) {
      const answered = once(socket, 'message') as Promise<[{ data: string }]>
      socket.send(JSON.stringify(frame))
      heard.push(JSON.parse((await answered)[0].data))
    }
    socket.close()
    return heard
  }
  assert.deepEqual(await talk(['session-resume', 4, secret], ['ask', 1, 'data']), [
    ['session-ok', 4],
    [1, null, { count: 12 }]
  ])
  assert.deepEqual(await talk(['session-resume', 4, webgramRecord(4)['_secret']]), [['session-error', 'incorrect-secret']])
  const [created] = (await talk(['session-create'])) as [unknown[]]
  assert.deepEqual(created.slice(0, 2), ['session-ok', 6])
})

test('says in one line what was done, and names what was refused, with exit code 3', async (t) => {
  const directory = temporaryDirectory(t)
  const old = join(directory, 'webgram-server-secrets')
  await makeWebgramStore(old, {
    1: webgramRecord(1),
    2: '{"_sessionID":2,',
    3: '[]',
    4: webgramRecord(44),
    5: webgramRecord(5, { _secret: 'short' }),
    6: webgramRecord(6, { _latestVisitTime: 'yesterday' }),
    7: JSON.stringify(webgramRecord(7)).replace('{', '{"__proto__":{"x":1},'),
    8: webgramRecord({ n: 8 }),
    9: 'null',
    'a\nb': webgramRecord('a\nb'),
    'a\0b': webgramRecord('a\0b'),
    '\u001B[2J': 'x',
    nextSessionID: '"none"'
  })
  const args = ['import-webgram', old, '--database', join(directory, 'ws.sqlite3')]
  const { code, stdout, stderr } = await gs(args)
  assert.equal(code, 3)
  assert.equal(stderr, '')
  const noId = 'Its _sessionID is neither a whole number nor a text of 1 to 128 characters without control characters.'
  const [line, titles, ...rows] = stdout.trimEnd().split('\n')
  assert.equal(line, 'webgram-server-secrets: 1 sessions taken over, 0 known from an earlier run, 11 refused; new numbers from 2 on.')
  assert.match(titles!, /^REFUSED +REASON$/)
  assert.deepEqual(
    rows.map((row) => row.split(/ {2,}/)),
    [
      [String.raw`\u{1b}[2J`, 'It is no JSON.'],
      ['2', 'It is no JSON.'],
      ['3', 'It is no object.'],
      ['4', 'Its _sessionID is another one than its key.'],
      ['5', 'Its _secret is none, so nobody could resume it.'],
      ['6', 'Its _firstVisitTime or _latestVisitTime is no time.'],
      ['7', 'It has a member __proto__.'],
      ['8', noId],
      ['9', 'It is no object.'],
      [String.raw`a\u{0}b`, noId],
      [String.raw`a\u{a}b`, noId]
    ]
  )
})

test('a session of the new server keeps its number', async (t) => {
  const directory = temporaryDirectory(t)
  const old = join(directory, 'old')
  const record = webgramRecord(1)
  await makeWebgramStore(old, { 1: record })
  const path = join(directory, 'ws.sqlite3')
  const store = await sqliteStore({ path })
  t.after(() => store.close())
  const now = Date.now()
  const secretHash = 'a'.repeat(43)
  const times = { firstVisit: now, previousVisit: null, latestVisit: now, idleUntil: now + day, absoluteUntil: now + day }
  await store.create({
    ...times,
    id: 1,
    secretHash,
    formerHash: null,
    formerUntil: null,
    owner: null,
    data: '{}',
    fromClient: null,
    version: 1,
    links: '{}'
  })
  const { code, stdout } = await gs(['import-webgram', old, '--database', path])
  assert.equal(code, 3)
  assert.match(stdout, /^1 +The database has another session with this id\.$/m)
  assert.equal((await store.find(1, now))!.secretHash, secretHash)
})

test('sessions live as long as the options say', async (t) => {
  const directory = temporaryDirectory(t)
  const old = join(directory, 'old')
  await makeWebgramStore(old, { x: webgramRecord('x') })
  const path = join(directory, 'ws.sqlite3')
  const { nextNumber } = await gsJson<Report>(['import-webgram', old, '--database', path, '--idle', '0.5', '--absolute', '2'])
  assert.equal(nextNumber, null)
  const store = await sqliteStore({ path })
  t.after(() => store.close())
  const now = Date.now()
  assert.notEqual(await store.find('x', now + 0.4 * day), null)
  assert.equal(await store.find('x', now + 0.6 * day), null)
  assert.equal(await store.nextNumber(), 1)
})

test('a store whose files are damaged gives what can be read', async (t) => {
  const directory = temporaryDirectory(t)
  const old = join(directory, 'old')
  await makeWebgramStore(old, { 1: webgramRecord(1) })
  const level = new ClassicLevel(old)
  await level.compactRange('', '~')
  await level.put('2', JSON.stringify(webgramRecord(2)))
  await level.close()
  truncateSync(
    join(
      old,
      readdirSync(old).find((file) => file.endsWith('.ldb'))!
    ),
    100
  )
  const { code, stdout, stderr } = await gs(['import-webgram', old, '--database', join(directory, 'ws.sqlite3')])
  assert.equal(code, 3)
  assert.equal(stdout, 'old: 1 sessions taken over, 0 known from an earlier run, 0 refused; new numbers from 3 on.\n')
  assert.match(stderr, /^Files of the store were damaged: .+\n$/)
})

test('says so when a session is larger than servers allow by default', async (t) => {
  const directory = temporaryDirectory(t)
  const old = join(directory, 'old')
  await makeWebgramStore(old, { 1: webgramRecord(1, { text: 'é'.repeat(40_000) }), 2: webgramRecord(2) })
  const { code, stderr } = await gs(['import-webgram', old, '--database', join(directory, 'ws.sqlite3')])
  assert.deepEqual(
    [code, stderr],
    [0, 'The largest session holds 80011 bytes: register the server with maxData: 80011 or more, or it cannot save such sessions.\n']
  )
})

test('says why the database cannot be written', async (t) => {
  const directory = temporaryDirectory(t)
  const [old, database] = [join(directory, 'old'), join(directory, 'ws.sqlite3')]
  await makeWebgramStore(old, { 1: webgramRecord(1) })
  await (await sqliteStore({ path: database })).close()
  const full = new Sqlite(database)
  full.exec("create trigger full before insert on gs_ws_sessions begin select raise(abort, 'database or disk is full'); end")
  full.close()
  const { code, stderr } = await gs(['import-webgram', old, '--database', database])
  assert.deepEqual([code, stderr], [1, `gs: The sessions in ${database} are out of reach (database or disk is full).\n`])
})

test('a store that a server is using is left alone', async (t) => {
  const directory = temporaryDirectory(t)
  const old = join(directory, 'old')
  await makeWebgramStore(old, { 1: webgramRecord(1) })
  const script = `import { ClassicLevel } from ${JSON.stringify(import.meta.resolve('classic-level'))}
    await new ClassicLevel(${JSON.stringify(old)}).open(); console.log('open'); process.stdin.resume()`
  const server = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => server.kill())
  await once(server.stdout, 'data')
  const database = join(directory, 'ws.sqlite3')
  const { code, stderr } = await gs(['import-webgram', old, '--database', database])
  assert.deepEqual(
    [code, stderr],
    [1, `gs: ${old} is in use by a server; stop it first, because what it changes later would not be taken over.\n`]
  )
  assert.equal(existsSync(database), false)
})

test('copies of the old secrets do not stay behind', async (t) => {
  const directory = temporaryDirectory(t)
  const [old, temporary] = [join(directory, 'old'), join(directory, 'tmp')]
  mkdirSync(temporary)
  await makeWebgramStore(old, { 1: webgramRecord(1) })
  const env = { TMPDIR: temporary }
  await gsJson(['import-webgram', old, '--database', join(directory, 'ws.sqlite3')], { env })
  await gsJson(['import-webgram', old, '--database', join(directory, 'ws.sqlite3'), '--dry-run'], { env })
  assert.deepEqual(readdirSync(temporary), [])
})

const withoutLevel = `data:text/javascript,${encodeURIComponent(`import { registerHooks } from 'node:module'
  registerHooks({ resolve(name, context, next) {
    if (name === 'classic-level') throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' })
    return next(name, context)
  } })`)}`

const mistakes: readonly (readonly [string, (old: string) => readonly string[], number, RegExp, (readonly string[])?])[] = [
  ['there is no directory', (old) => [`${old}-none`], 1, /^gs: There is no directory .+-none\.\n$/],
  [
    'a directory is no store',
    (old) => [join(old, '..')],
    1,
    /is no LevelDB store .+ serverSecretsDBName, else webgram-server-secrets\.\n$/
  ],
  ['it is a file', (old) => [join(old, 'CURRENT')], 1, /is no LevelDB store/],
  ['a number of days is none', (old) => [old, '--idle', 'long'], 2, /^gs: --idle is a number of days, above 0 and at most 36500\.\n$/],
  [
    'classic-level is missing (W26)',
    (old) => [old],
    1,
    /^gs: This needs the package classic-level, .+ npm install classic-level\.\n$/,
    ['--import', withoutLevel]
  ]
]
for (const [what, args, expected, pattern, nodeArgs = []] of mistakes) {
  test(`says in a sentence that ${what}`, async (t) => {
    const directory = temporaryDirectory(t)
    const old = join(directory, 'old')
    await makeWebgramStore(old, { 1: webgramRecord(1) })
    const database = join(directory, 'ws.sqlite3')
    const { code, stdout, stderr } = await gs(['import-webgram', ...args(old), '--database', database], { nodeArgs })
    assert.deepEqual([code, stdout], [expected, ''])
    assert.match(stderr, pattern)
    assert.equal(existsSync(database), false)
  })
}

test('a damaged list of files is repaired', async (t) => {
  const directory = temporaryDirectory(t)
  const old = join(directory, 'old')
  await makeWebgramStore(old, { 1: webgramRecord(1) })
  writeFileSync(join(old, 'CURRENT'), 'nonsense')
  const { imported, repaired } = JSON.parse(
    (await gs(['import-webgram', old, '--database', join(directory, 'ws.sqlite3'), '--json'])).stdout
  ) as Report
  assert.deepEqual([imported, repaired], [1, true])
})
