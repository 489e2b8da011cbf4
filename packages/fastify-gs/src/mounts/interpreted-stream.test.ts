import assert from 'node:assert/strict'
import { readdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { describe, it, type TestContext } from 'node:test'
import { once } from 'node:events'
import { temporaryDirectory } from '../testing/databases.ts'
import { createSymbolTable } from './interpret.ts'
import { openInterpreted } from './interpreted-stream.ts'

const table = createSymbolTable(['$user', '$nothing'])
const values = new Map([
  ['$user', Buffer.from('alice')],
  ['$nothing', Buffer.alloc(0)]
])

function plant(t: TestContext, content: string | Buffer): string {
  const path = join(temporaryDirectory(t), 'file.js')
  writeFileSync(path, content)
  return path
}

describe('a rewritten stream', () => {
  it('gives every file whole, whatever its length was thought to be', async (t) => {
    for (const length of [0, 1, 5, 6, 7, 100, 65_535, 65_536, 65_537, 131_072, 300_001]) {
      const text = 'x$user$us '.repeat(Math.ceil(length / 10)).slice(0, length)
      const path = plant(t, text)
      for (const claimed of [length, 0, 1, length + 10, 10_000_000]) {
        if (length > 1000 && claimed === 1) continue
        const got = await buffer(await openInterpreted(path, claimed, table, values))
        assert.ok(got.equals(Buffer.from(text.replaceAll('$user', 'alice'))), `${length} ${claimed}`)
      }
    }
  })

  it('goes on when a chunk leaves nothing to send', async (t) => {
    const path = plant(t, '$nothing'.repeat(30_000) + 'end')
    assert.equal((await buffer(await openInterpreted(path, 240_003, table, values))).toString(), 'end')
  })

  it('fails before it begins when there is no file', async (t) => {
    await assert.rejects(openInterpreted(join(temporaryDirectory(t), 'missing'), 5, table, values), { code: 'ENOENT' })
  })

  it('follows no link', async (t) => {
    const path = plant(t, 'x')
    symlinkSync(path, `${path}.link`)
    await assert.rejects(openInterpreted(`${path}.link`, 1, table, values), { code: 'ELOOP' })
  })

  it('fails, and closes the file, when it cannot be read', async (t) => {
    const stream = await openInterpreted(temporaryDirectory(t), 5, table, values)
    await assert.rejects(buffer(stream), { code: 'EISDIR' })
    assert.equal(stream.destroyed, true)
  })

  it('closes the file at its end and when it is broken off', async (t) => {
    const path = plant(t, Buffer.alloc(1_000_000, 'x'))
    const isOpen = () =>
      readdirSync('/proc/self/fd').some((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`) === path
        } catch {
          return false
        }
      })
    const visible = process.platform === 'linux'
    for (const end of ['read', 'broken off']) {
      const stream = await openInterpreted(path, 1_000_000, table, values)
      if (visible) assert.ok(isOpen())
      const closed = once(stream, 'close')
      if (end === 'read') stream.resume()
      else {
        await once(stream, 'readable')
        stream.destroy()
      }
      await closed
      if (visible) assert.ok(!isOpen(), end)
    }
  })
})
