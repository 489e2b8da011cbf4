import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, chown, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import type { JWK } from 'jose'
import { generateJwk } from './generate-jwk.ts'
import { loadKeys } from './load-keys.ts'
import { faultOfAccess } from './read-key-file.ts'

const root = process.getuid?.() === 0
let directory: string
let jwk: JWK
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gs-jwt-files-'))
  jwk = await generateJwk('ES256')
})
after(() => rm(directory, { recursive: true }))

const load = (file: string) => loadKeys({ file }, { alg: 'ES256' })
async function fileOf(name: string, text: string | Uint8Array, mode: number): Promise<string> {
  const path = join(directory, name)
  await writeFile(path, text)
  await chmod(path, mode)
  return path
}
const refusal = (message: RegExp) => (error: Error) => {
  assert.equal(error.name, 'JwtKeyError')
  assert.match(error.message, message)
  assert.ok(!('cause' in error) && !error.message.includes(jwk.d!))
  return true
}

describe('who may use a file with a private key', () => {
  const modes: [mode: number, ofRoot: boolean, ofAnother: boolean][] = [
    [0o400, true, true],
    [0o600, true, true],
    [0o700, true, true],
    [0o440, true, false],
    [0o640, true, false],
    [0o650, false, false],
    [0o660, false, false],
    [0o604, false, false],
    [0o644, false, false],
    [0o602, false, false],
    [0o601, false, false],
    [0o666, false, false]
  ]
  for (const [mode, ofRoot, ofAnother] of modes) {
    const text = mode.toString(8)
    test(`${text}: ${ofRoot ? 'good' : 'refused'} for root, ${ofAnother ? 'good' : 'refused'} for others`, async () => {
      assert.equal(faultOfAccess('key', { mode: 0o100_000 | mode, uid: 0 }, true) === null, ofRoot)
      assert.equal(faultOfAccess('key', { mode: 0o100_000 | mode, uid: 1000 }, true) === null, ofAnother)
      const file = await fileOf(`private-${text}`, JSON.stringify(jwk), mode)
      for (const [uid, good] of root
        ? ([
            [0, ofRoot],
            [1000, ofAnother]
          ] as const)
        : ([[process.getuid!(), ofAnother]] as const)) {
        await chown(file, uid, process.getgid!())
        // Without rights of its own, nobody but root reads it at all.
        await (good ? load(file) : assert.rejects(load(file), refusal(/holds a secret key, and .* may use it; run "chmod 600 /)))
      }
    })
  }

  test('a secret and an encrypted key are secret, too', async () => {
    const secret = await fileOf('hs.json', JSON.stringify(await generateJwk('HS256')), 0o644)
    await assert.rejects(loadKeys({ file: secret }, { alg: 'HS256' }), refusal(/every user of this machine may use it/))
    const set = await fileOf('set.json', JSON.stringify({ keys: [{ ...jwk, d: undefined }, await generateJwk('ES256')] }), 0o644)
    await assert.rejects(load(set), refusal(/every user of this machine may use it/))
  })

  test('a public key may be read by everybody, and changed by nobody else', async () => {
    const open = JSON.stringify({ ...jwk, d: undefined })
    for (const mode of [0o600, 0o644, 0o664, 0o444]) await load(await fileOf(`public-${mode}`, open, mode))
    await assert.rejects(load(await fileOf('open', open, 0o646)), refusal(/may be changed by every user of this machine; run "chmod o-w /))
  })

  test('the file behind a symbolic link counts', async () => {
    const [good, bad] = [await fileOf('good', JSON.stringify(jwk), 0o600), await fileOf('bad', JSON.stringify(jwk), 0o644)]
    await Promise.all([symlink(good, join(directory, 'to-good')), symlink(bad, join(directory, 'to-bad'))])
    await load(join(directory, 'to-good'))
    await assert.rejects(load(join(directory, 'to-bad')), refusal(/every user of this machine/))
  })
})

describe('what is no key file', () => {
  test('is named, with the cure', async () => {
    await mkdir(join(directory, 'folder'))
    await promisify(execFile)('mkfifo', [join(directory, 'pipe')])
    const cases: [path: string, message: RegExp][] = [
      [join(directory, 'missing'), /^The key file .*missing is missing; make a key with "gs jwk generate", or correct its path\.$/],
      [join(directory, 'folder'), /^The key file .*folder is no file; correct its path\.$/],
      [join(directory, 'pipe'), /^The key file .*pipe is no file; correct its path\.$/],
      [await fileOf('empty', '', 0o600), /^The key file .*empty is empty; restore it from a backup/],
      [await fileOf('blank', ' \n', 0o600), /is empty/],
      [await fileOf('large', 'x'.repeat(65_537), 0o600), /is larger than 65536 bytes, so it holds something else/],
      [
        await fileOf('binary', Buffer.from([0x30, 0x81, 0x87, 0xff]), 0o600),
        /^The key file .*binary is damaged or no key: neither JSON nor PEM/
      ],
      [await fileOf('cut', JSON.stringify(jwk).slice(0, -9), 0o600), /^The key file .*cut is damaged JSON; restore it from a backup/],
      [await fileOf('list', JSON.stringify([jwk]), 0o600), /^The key file .*list is neither a JWK .* nor a JWKS/],
      [join(directory, 'good', 'key'), /^The key file .* cannot be read \(ENOTDIR\); change its owner or mode, or correct its path\.$/]
    ]
    await fileOf('good', JSON.stringify(jwk), 0o600)
    for (const [path, message] of cases) await assert.rejects(load(path), refusal(message))
  })

  test('of several keys the one that is wrong is numbered', async () => {
    const file = await fileOf('several', JSON.stringify({ keys: [jwk, { ...jwk, use: 'enc' }] }), 0o600)
    await assert.rejects(load(file), refusal(/^The use of the key file .*several \(number 2\) is "enc"/))
  })

  test('a key that has retired need not be there any more', async () => {
    const keys = await loadKeys([{ jwk }, { file: join(directory, 'missing'), retireAt: '2020-01-01' }], { alg: 'ES256' })
    assert.deepEqual(
      keys.publicKeys(0).map(({ kid }) => kid),
      [jwk.kid]
    )
  })
})
