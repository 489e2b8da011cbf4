import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, link, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import type { LoadedCount } from './load-sessions.ts'
import { TlsSessionCache } from '../session-cache.ts'
import { makeAuthority, makeCertificate } from '../testing/certificates.ts'
import { tlsServer, visit } from '../testing/tls-server.ts'
import { restoreSessions } from './restore-sessions.ts'
import { saveSessions } from './save-sessions.ts'

const authority = await makeAuthority()
const localhost = await makeCertificate(authority, ['localhost'])
const key = randomBytes(32)

async function start(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'tls-sessions-'))
  t.after(() => rm(folder, { recursive: true }))
  const server = await tlsServer(t, { ...localhost })
  const connection = { host: '127.0.0.1', servername: 'localhost', port: server.port, ca: authority.cert }
  const cache = new TlsSessionCache()
  await visit(cache.connect(connection))
  return { cache, connection, folder, path: join(folder, 'sessions'), server }
}

const outcome = ({ refused, taken }: LoadedCount) => (taken > 0 ? taken : refused.map(({ fault, record }) => `${record} ${fault}`).join())

test('a new process resumes with the sessions of a file, and takes it away', async (t) => {
  const { cache, connection, folder, path, server } = await start(t)
  assert.deepEqual(await saveSessions(cache, path, { key }), { saved: 2, unstable: 0, beyond: 0 })
  const visitor = join(import.meta.dirname, '../testing/visitor.ts')
  const { stdout } = await promisify(execFile)(process.execPath, [
    visitor,
    JSON.stringify({ connection, key: key.toString('base64'), path })
  ])
  assert.deepEqual(JSON.parse(stdout), { taken: 2, resumed: true })
  assert.deepEqual(server.reused, [false, true])
  assert.deepEqual(await readdir(folder), [])
})

test('nobody else can read the file, whatever was there before', async (t) => {
  const { cache, folder, path } = await start(t)
  await writeFile(path, 'old', { mode: 0o666 })
  const before = process.umask(0)
  t.after(() => process.umask(before))
  await saveSessions(cache, path, { key })
  assert.equal((await stat(path)).mode & 0o777, 0o600)
  assert.match(await readFile(path, 'utf8'), /^tsc1\./)
  assert.deepEqual(await readdir(folder), ['sessions'])
})

test('what a process has left that was ended in the middle goes with the next file', async (t) => {
  const { cache, folder, path } = await start(t)
  const others = ['sessions.0123456789abcdef', 'sessions.bak.tmp', 'sessions2.0123456789abcdef.tmp']
  for (const name of [...others, 'sessions.0123456789abcdef.tmp']) await writeFile(join(folder, name), '')
  await saveSessions(cache, path, { key, move: false })
  assert.deepEqual((await readdir(folder)).length, 5)
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 120_000 })
  await saveSessions(cache, path, { key })
  assert.deepEqual((await readdir(folder)).toSorted(), ['sessions', ...others].toSorted())
})

test('nothing is written without a key', async (t) => {
  const { cache, folder, path } = await start(t)
  await assert.rejects(saveSessions(cache, path, {} as { key: string }), { name: 'TlsCacheOptionError' })
  assert.deepEqual(await readdir(folder), [])
})

test('of two processes that restore the same file, one has the tickets', async (t) => {
  const { cache, path } = await start(t)
  await saveSessions(cache, path, { key })
  const caches = Array.from({ length: 8 }, () => new TlsSessionCache())
  const taken = await Promise.all(caches.map(async (each) => (await restoreSessions(each, path, { key })).taken))
  assert.deepEqual(
    taken.toSorted((one, other) => one - other),
    [0, 0, 0, 0, 0, 0, 0, 2]
  )
})

test('the file stays where it is asked for, or where tickets may be used again', async (t) => {
  const { cache, path } = await start(t)
  await saveSessions(cache, path, { key })
  assert.equal((await restoreSessions(new TlsSessionCache(), path, { key, move: false })).taken, 2)
  assert.equal((await restoreSessions(new TlsSessionCache({ singleUse: false }), path, { key })).taken, 2)
  assert.equal((await restoreSessions(new TlsSessionCache({ enabled: false }), path, { key })).surplus, 2)
  assert.equal((await restoreSessions(new TlsSessionCache(), path, { key })).taken, 2)
})

test('a file that is not there has no sessions', async (t) => {
  const { path } = await start(t)
  assert.deepEqual(await restoreSessions(new TlsSessionCache(), path, { key }), { taken: 0, present: 0, surplus: 0, refused: [] })
})

test('what cannot be used is refused and left alone', async (t) => {
  const { cache, folder, path } = await start(t)
  await saveSessions(cache, path, { key, move: false })
  const good = await readFile(path)
  const restore = async (at: string, options: Parameters<typeof restoreSessions>[2]) =>
    outcome(await restoreSessions(new TlsSessionCache(), at, options))
  assert.equal(await restore(path, { key: randomBytes(32) }), '1 key,2 key')
  assert.equal(await restore(path, { plaintext: true }), '1 key,2 key')
  assert.deepEqual(await readFile(path), good)

  const named = join(folder, 'a folder')
  await mkdir(named)
  assert.equal(await restore(named, { key }), '0 file')
  const linked = join(folder, 'a link')
  await symlink(path, linked)
  assert.equal(await restore(linked, { key }), '0 file')
  const large = join(folder, 'a large file')
  await writeFile(large, Buffer.alloc(16 * 2 ** 20 + 1))
  assert.equal(await restore(large, { key }), '0 file')
  const page = join(folder, 'a file of something else')
  await writeFile(page, 'hello\n')
  assert.equal(await restore(page, { key }), '1 damaged')
  assert.equal(await restore(join(path, 'x'), { key }), '0 file')
  assert.deepEqual((await readdir(folder)).length, 5)
  assert.equal(await restore(path, { key }), 2)
})

test('sessions in plaintext are taken from a file only that nobody else can have changed', async (t) => {
  const { cache, folder, path } = await start(t)
  const restore = async () => outcome(await restoreSessions(new TlsSessionCache(), path, { plaintext: true, move: false }))
  await saveSessions(cache, path, { plaintext: true })
  assert.equal(await restore(), 2)
  for (const mode of [0o640, 0o620, 0o604, 0o602]) {
    await chmod(path, mode)
    assert.equal(await restore(), '0 file', mode.toString(8))
  }
  await chmod(path, 0o600)
  await link(path, join(folder, 'another name'))
  assert.equal(await restore(), '0 file')
})

test('the cache has its sessions still when they cannot be saved', async (t) => {
  const { cache, connection, folder, path, server } = await start(t)
  await symlink(join(folder, 'elsewhere'), path)
  const expected = { name: 'SavedSessionError', code: 'GS_TLS_SAVED', fault: 'file' }
  await assert.rejects(saveSessions(cache, path, { key }), { ...expected, message: /which is a link, a folder or a device/ })
  await assert.rejects(saveSessions(cache, join(folder, 'none', 'sessions'), { key }), {
    ...expected,
    message: /ENOENT.*create its folder/
  })
  await assert.rejects(saveSessions(cache, folder, { key }), expected)
  assert.deepEqual(await readdir(folder), ['sessions'])
  assert.equal(await visit(cache.connect(connection)), true)
  assert.deepEqual(server.reused, [false, true])
})

test('what was forgotten while it was saved in vain does not come back', async (t) => {
  const { cache, folder } = await start(t)
  const saving = saveSessions(cache, join(folder, 'none', 'sessions'), { key })
  cache.clear()
  await assert.rejects(saving, { fault: 'file' })
  assert.equal(cache.stats.peers, 0)
})
