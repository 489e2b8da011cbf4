import assert from 'node:assert/strict'
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { temporaryDirectory } from '../testing/run-gs.ts'
import { readKeyRing } from './keys.ts'

describe('the key ring', () => {
  it('is made once, for its owner only', async (t) => {
    const path = join(temporaryDirectory(t), 'lws.sqlite3.keys')
    const [key] = await readKeyRing(path)
    assert.equal(Buffer.from(key!, 'base64url').length, 32)
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.deepEqual(await readKeyRing(path), [key])
  })

  it('is the same for all who make it at the same time, and leaves nothing else behind', async (t) => {
    const directory = temporaryDirectory(t)
    const path = join(directory, 'keys')
    const [first, ...others] = await Promise.all(Array.from({ length: 5 }, () => readKeyRing(path)))
    for (const other of others) assert.deepEqual(other, first)
    assert.equal(readFileSync(path, 'utf8'), `${first![0]}\n`)
    assert.deepEqual(readdirSync(directory), ['keys'])
  })

  it('may hold several keys', async (t) => {
    const path = join(temporaryDirectory(t), 'keys')
    const keys = ['a'.repeat(32), 'b'.repeat(43)]
    writeFileSync(path, `${keys.join('\r\n')}\n\n`, { mode: 0o600 })
    assert.deepEqual(await readKeyRing(path), keys)
  })

  const refusals: [string, (path: string) => void, RegExp][] = [
    ['that others may read', (path) => writeFileSync(path, 'k'.repeat(43)), /every user of this machine.*chmod 600/],
    ['with a short key', (path) => writeFileSync(path, `${'k'.repeat(43)}\nshort\n`, { mode: 0o600 }), /is damaged/],
    ['that is empty', (path) => writeFileSync(path, '', { mode: 0o600 }), /is damaged/]
  ]
  for (const [name, make, sentence] of refusals) {
    it(`refuses a file ${name}`, async (t) => {
      const path = join(temporaryDirectory(t), 'keys')
      make(path)
      if (name.startsWith('that others')) chmodSync(path, 0o644)
      await assert.rejects(readKeyRing(path), { name: 'CliError', message: sentence })
    })
  }

  it('says where it cannot be made', async (t) => {
    const path = join(temporaryDirectory(t), 'missing', 'keys')
    await assert.rejects(readKeyRing(path), {
      message: /missing\/keys with the secret keys of the site cannot be made \(ENOENT\); make its/
    })
  })
})
