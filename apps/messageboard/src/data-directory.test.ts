import assert from 'node:assert/strict'
import { chmod, readFile, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { prepareDataDirectory, readAdminPasswordHash, readKeyRing, writeAdminPasswordHash } from './data-directory.ts'
import { StartError } from './start-error.ts'
import { temporaryDirectory } from './testing.ts'

const modeOf = async (path: string) => (await stat(path)).mode & 0o777

describe('prepareDataDirectory', () => {
  it('makes the directory, and those above it, for the owner only', async (t) => {
    const directory = join(await temporaryDirectory(t), 'above', 'data')
    await prepareDataDirectory(directory)
    assert.equal(await modeOf(directory), 0o700)
    await prepareDataDirectory(directory)
  })

  it('refuses a place that cannot be a directory', async (t) => {
    const file = join(await temporaryDirectory(t), 'file')
    await writeFile(file, '')
    for (const path of [file, join(file, 'data')]) {
      await assert.rejects(prepareDataDirectory(path), (error: Error) => {
        assert.ok(error instanceof StartError)
        assert.match(error.message, /^The data directory .* cannot be written \(.*GS_DATA_DIR\.$/)
        return true
      })
    }
  })

  it('refuses a directory without the right to write', async (t) => {
    const directory = await temporaryDirectory(t)
    await chmod(directory, 0o500)
    // Root may write everywhere but there.
    const path = process.getuid?.() === 0 ? '/proc/messageboard' : join(directory, 'data')
    await assert.rejects(prepareDataDirectory(path), StartError)
  })
})

describe('readKeyRing', () => {
  it('makes one key at the first start, for the owner only, and keeps it', async (t) => {
    const directory = await temporaryDirectory(t)
    const keys = await readKeyRing(directory)
    assert.equal(keys.length, 1)
    assert.equal(Buffer.from(keys[0]!, 'base64url').length, 32)
    assert.equal(await modeOf(join(directory, 'keys')), 0o600)
    assert.deepEqual(await readKeyRing(directory), keys)
    assert.deepEqual(await readdir(directory), ['keys'])
  })

  it('takes several keys in their order', async (t) => {
    const directory = await temporaryDirectory(t)
    await writeFile(join(directory, 'keys'), `${'b'.repeat(43)}\r\n\n${'a'.repeat(43)}\n`)
    assert.deepEqual(await readKeyRing(directory), ['b'.repeat(43), 'a'.repeat(43)])
  })

  it('refuses a damaged file and does not touch it', async (t) => {
    const directory = await temporaryDirectory(t)
    const path = join(directory, 'keys')
    for (const content of ['', 'short\n', `${'a'.repeat(43)}\nshort`]) {
      await writeFile(path, content)
      await assert.rejects(readKeyRing(directory), /^StartError: .*keys is damaged .*remove it/)
      assert.equal(await readFile(path, 'utf8'), content)
    }
  })

  it('is not disturbed by what a killed start left behind', async (t) => {
    const directory = await temporaryDirectory(t)
    await writeFile(join(directory, `keys.${process.pid}.tmp`), 'half a k')
    assert.equal((await readKeyRing(directory)).length, 1)
    assert.deepEqual(await readdir(directory), ['keys'])
  })
})

describe('the admin password hash', () => {
  it('is null before it is written, and then what was written', async (t) => {
    const directory = await temporaryDirectory(t)
    assert.equal(await readAdminPasswordHash(directory), null)
    await writeAdminPasswordHash(directory, '$argon2id$v=19$…')
    assert.equal(await readAdminPasswordHash(directory), '$argon2id$v=19$…')
    assert.equal(await modeOf(join(directory, 'admin-password-hash')), 0o600)
  })

  it('refuses a file that holds no hash', async (t) => {
    const directory = await temporaryDirectory(t)
    await writeFile(join(directory, 'admin-password-hash'), 'a password\n')
    await assert.rejects(readAdminPasswordHash(directory), /^StartError: .*damaged: remove it/)
  })
})
