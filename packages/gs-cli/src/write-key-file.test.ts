import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { temporaryDirectory } from './testing/run-gs.ts'
import { writeKeyFile } from './write-key-file.ts'

const modeOf = (path: string) => statSync(path).mode & 0o777

describe('a key file', () => {
  for (const [umask, name] of [
    [0o000, 'nothing'],
    [0o777, 'everything']
  ] as const) {
    it(`has its mode when the umask takes ${name} away`, async (t) => {
      const directory = temporaryDirectory(t)
      const before = process.umask(umask)
      t.after(() => process.umask(before))
      const [secret, open] = [join(directory, 'secret'), join(directory, 'open')]
      assert.equal(await writeKeyFile(secret, 'key'), 'written')
      assert.equal(await writeKeyFile(open, 'key', { mode: 0o644 }), 'written')
      assert.deepEqual([modeOf(secret), modeOf(open)], [0o600, 0o644])
    })
  }

  it('stays as it is when it is there, and nothing is left behind', async (t) => {
    const directory = temporaryDirectory(t)
    const path = join(directory, 'key')
    writeFileSync(path, 'the old one')
    assert.equal(await writeKeyFile(path, 'the new one'), 'exists')
    assert.equal(readFileSync(path, 'utf8'), 'the old one')
    assert.deepEqual(readdirSync(directory), ['key'])
  })

  it('is not written to where a link points', async (t) => {
    const directory = temporaryDirectory(t)
    const [path, elsewhere] = [join(directory, 'key'), join(directory, 'elsewhere')]
    symlinkSync(elsewhere, path)
    assert.equal(await writeKeyFile(path, 'key'), 'exists')
    assert.deepEqual(readdirSync(directory), ['key'])
    assert.equal(await writeKeyFile(path, 'key', { replace: true }), 'written')
    assert.deepEqual(readdirSync(directory), ['key'])
    assert.equal(readFileSync(path, 'utf8'), 'key')
  })

  it('is replaced where that is asked for, and does not keep a mode that others can read by', async (t) => {
    const path = join(temporaryDirectory(t), 'key')
    writeFileSync(path, 'the old one', { mode: 0o644 })
    assert.equal(await writeKeyFile(path, 'the new one', { replace: true }), 'written')
    assert.equal(readFileSync(path, 'utf8'), 'the new one')
    assert.equal(modeOf(path), 0o600)
  })

  it('is that of one of those who make it at the same time', async (t) => {
    const directory = temporaryDirectory(t)
    const path = join(directory, 'key')
    const results = await Promise.all(Array.from({ length: 8 }, (_, index) => writeKeyFile(path, `key ${index}`)))
    const winner = results.indexOf('written')
    assert.equal(results.filter((result) => result === 'written').length, 1)
    assert.equal(readFileSync(path, 'utf8'), `key ${winner}`)
    assert.deepEqual(readdirSync(directory), ['key'])
  })

  it('is not left half when it cannot be written', async (t) => {
    const directory = temporaryDirectory(t)
    await assert.rejects(writeKeyFile(join(directory, 'missing', 'key'), 'key'), { code: 'ENOENT' })
    mkdirSync(join(directory, 'key'))
    await assert.rejects(writeKeyFile(join(directory, 'key'), 'key', { replace: true }), { code: 'EISDIR' })
    assert.deepEqual(readdirSync(directory), ['key'])
  })
})
