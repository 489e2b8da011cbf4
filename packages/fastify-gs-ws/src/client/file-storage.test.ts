import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmodSync, existsSync, lstatSync, readdirSync, readFileSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { temporaryDirectory } from 'fastify-gs/testing'
import { WebSocket } from 'ws'
import { ProtocolServer } from '../testing/protocol-server.ts'
import { fileStorage } from './file-storage.ts'
import { createClient } from './index.ts'

const run = promisify(execFile)
const newPath = (t: TestContext) => join(temporaryDirectory(t), 'sessions.json')
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)

describe('a file of sessions', () => {
  it('keeps items, readable JSON, for its user only, and leaves nothing beside it', async (t) => {
    const path = newPath(t)
    const storage = fileStorage(path)
    assert.equal(await storage.getItem('a'), null)
    await storage.setItem('a', 'one')
    await storage.setItem('b', 'two')
    await storage.setItem('__proto__', 'three')
    assert.equal(modeOf(path), '600')
    assert.equal(await fileStorage(path).getItem('a'), 'one')
    assert.equal(await storage.getItem('__proto__'), 'three')
    assert.equal(await storage.getItem('toString'), null)
    await storage.removeItem('a')
    await storage.removeItem('none')
    assert.equal(await storage.getItem('a'), null)
    assert.equal(await storage.getItem('b'), 'two')
    assert.deepEqual(readdirSync(dirname(path)), ['sessions.json'])
  })

  it('makes a file private that is open to all (W24)', async (t) => {
    for (const act of ['getItem', 'setItem'] as const) {
      const path = newPath(t)
      writeFileSync(path, '{"a":"1"}')
      chmodSync(path, 0o644)
      await fileStorage(path)[act]('a', '2')
      assert.equal(modeOf(path), '600', act)
    }
  })

  it('loses no item when several processes write (W24)', async (t) => {
    const path = newPath(t)
    const program = join(import.meta.dirname, '../testing/storing-process.ts')
    const names = ['a', 'b', 'c']
    const count = 30
    await Promise.all(names.map((name) => run(process.execPath, [program, path, name, String(count)])))
    const items = JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>
    assert.deepEqual(Object.keys(items).sort(), names.flatMap((name) => Array.from({ length: count }, (_, n) => `${name}-${n}`)).sort())
    assert.deepEqual(readdirSync(dirname(path)), ['sessions.json'])
  })

  it('breaks the lock of a process that has died, and only once when several see it', async (t) => {
    const path = newPath(t)
    writeFileSync(`${path}.lock`, 'dead')
    utimesSync(`${path}.lock`, 1000, 1000)
    await Promise.all(Array.from({ length: 10 }, (_, n) => fileStorage(path).setItem(`k${n}`, 'v')))
    assert.equal(Object.keys(JSON.parse(readFileSync(path, 'utf8')) as object).length, 10)
    assert.deepEqual(readdirSync(dirname(path)), ['sessions.json'])
  })

  for (const text of ['', '{"a":', '[]', 'null', '5']) {
    it(`puts a damaged one aside, and does not overwrite it (W22): ${JSON.stringify(text)}`, async (t) => {
      const path = newPath(t)
      writeFileSync(path, text)
      const storage = fileStorage(path)
      await assert.rejects(async () => storage.getItem('a'), { code: 'GS_WS_FILE', message: new RegExp(path) })
      assert.equal(readFileSync(path, 'utf8'), text)
      await storage.setItem('a', '1')
      assert.equal(await storage.getItem('a'), '1')
      assert.equal(readFileSync(`${path}.damaged`, 'utf8'), text)
    })
  }

  it('writes where a symbolic link leads, and keeps the link', async (t) => {
    const path = newPath(t)
    const target = newPath(t)
    writeFileSync(target, '{"a":"1"}')
    symlinkSync(target, path)
    await Promise.all([fileStorage(path).setItem('b', '2'), fileStorage(target).setItem('c', '3')])
    assert.deepEqual(JSON.parse(readFileSync(target, 'utf8')), { a: '1', b: '2', c: '3' })
    assert.ok(lstatSync(path).isSymbolicLink())
    assert.deepEqual([readdirSync(dirname(path)), readdirSync(dirname(target))], [['sessions.json'], ['sessions.json']])
    writeFileSync(target, 'damaged')
    await fileStorage(path).setItem('a', '1')
    assert.ok(lstatSync(path).isSymbolicLink())
    assert.equal(readFileSync(`${target}.damaged`, 'utf8'), 'damaged')
  })

  it('refuses a folder that is not there, and takes what stands in the way for no damage', async (t) => {
    const path = newPath(t)
    await assert.rejects(async () => fileStorage(join(path, 'x')).setItem('a', '1'), { code: 'ENOENT' })
    await assert.rejects(async () => fileStorage(dirname(path)).setItem('a', '1'), { code: 'EISDIR' })
    assert.ok(existsSync(dirname(path)))
  })

  it('holds the session of a client over its restarts', async (t) => {
    const server = await ProtocolServer.start(t)
    const path = newPath(t)
    const ids: unknown[] = []
    for (let n = 0; n < 3; n++) {
      const client = createClient(server.url, { storage: fileStorage(path), WebSocket })
      ids.push((await client.waitForSession()).id)
      client.close()
    }
    assert.equal(new Set(ids).size, 1)
    const items = JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>
    assert.deepEqual(Object.keys(items), [`gs-ws ${server.url}`])
    const client = createClient(server.url, { storage: fileStorage(path), WebSocket })
    await client.waitForSession()
    await client.end()
    assert.equal(readFileSync(path, 'utf8'), '{}\n')
  })
})
