import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { verifyPassword } from 'fastify-gs'
import { gs, gsJson, gsOnTerminal } from '../testing/run-gs.ts'

const password = 'correct hörse battery staple '

test('prints only the hash of the line on stdin, and takes the line as it is', async () => {
  for (const input of [password, `${password}\n`, `${password}\r\n`]) {
    const { code, stdout, stderr } = await gs(['hash-password'], { input })
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$\S+\n$/)
    assert.ok(await verifyPassword(password, stdout.trim()))
  }
})

test('prints one JSON document for machines', async () => {
  const { hash } = await gsJson<{ hash: string }>(['hash-password'], { input: password })
  assert.ok(await verifyPassword(password, hash))
})

test('refuses what is not one line of text, in one sentence', async (t) => {
  const inputs: Record<string, [input: string | Buffer, message: RegExp]> = {
    nothing: ['', /^gs: There is no password; .+\.\n$/],
    'an empty line': ['\n', /^gs: There is no password; .+\.\n$/],
    'two lines': ['one\ntwo\n', /^gs: There is more than one line on stdin; .+\.\n$/],
    'bytes that are no UTF-8': [Buffer.from([0x61, 0xff]), /^gs: The password on stdin is not UTF-8; .+\.\n$/],
    'a whole file': ['x'.repeat(70_000), /^gs: What stands on stdin is too long .+\.\n$/],
    'more than a password may have': ['x'.repeat(1025), /^gs: The password is too long; 1024 bytes are the limit\.\n$/]
  }
  for (const [name, [input, message]] of Object.entries(inputs)) {
    await t.test(name, async () => {
      const { code, stdout, stderr } = await gs(['hash-password'], { input })
      assert.deepEqual([code, stdout], [1, ''])
      assert.match(stderr, message)
    })
  }
})

test('hashes with a pepper, whose secret it takes from a file only', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'gs-test-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const secret = 'the secret of the year 2026, 32 bytes'
  const [good, short] = [join(directory, 'pepper'), join(directory, 'short')]
  writeFileSync(good, `${secret}\n`)
  writeFileSync(short, 'secret\n')
  const pepper = (id: string, file: string) => ['hash-password', '--pepper-id', id, '--pepper-file', file]

  const { code, stdout } = await gs(pepper('2026', good), { input: password })
  assert.equal(code, 0)
  assert.match(stdout, /^\$argon2id\$v=19\$m=19456,t=2,p=1,keyid=MjAyNg\$\S+\n$/)
  assert.equal(await verifyPassword(password, stdout.trim(), { peppers: [{ id: '2026', secret }] }), true)
  assert.equal(await verifyPassword(password, stdout.trim()), false)

  const refusals: [args: string[], code: number, message: RegExp][] = [
    [['hash-password', '--pepper-id', '2026'], 2, /^gs: Say both --pepper-id and --pepper-file\.\n$/],
    [pepper('2026', join(directory, 'none')), 1, /^gs: The file \S+none cannot be read \(.+\)\.\n$/],
    [pepper('2026', short), 1, /^gs: .*secret must be a text of 32 bytes or more.*\n$/],
    [pepper('a long id', good), 1, /^gs: .*id must be letters, digits, - and _, 8 at most\.\n$/]
  ]
  for (const [args, exitCode, message] of refusals) {
    const refused = await gs(args, { input: password })
    assert.deepEqual([refused.code, refused.stdout], [exitCode, ''], refused.stderr)
    assert.match(refused.stderr, message)
  }
})

test('takes no password as an argument', async () => {
  const { code, stderr } = await gs(['hash-password', password])
  assert.equal(code, 2)
  assert.doesNotMatch(stderr, /battery/)
})

test('asks twice on a terminal and shows nothing of what is typed', async () => {
  const { code, seen } = await gsOnTerminal(
    ['hash-password'],
    [
      [/Password:/, `${password}\r`],
      [/The same again:/, `${password}\r`]
    ]
  )
  assert.equal(code, 0)
  assert.doesNotMatch(seen, /battery|staple/)
  assert.ok(await verifyPassword(password, /\$argon2id\$\S+/.exec(seen)![0]))
})

test('prints no hash when the two passwords differ, or the person stops', async (t) => {
  const answers: Record<string, [typed: string, again: string, message: RegExp]> = {
    different: ['one password\r', 'another one\r', /The two passwords are not the same/],
    'Ctrl-C': ['one password\r', '\u0003', /Stopped; nothing was changed/],
    'Ctrl-D': ['one password\r', '\u0004', /Stopped; nothing was changed/]
  }
  for (const [name, [typed, again, message]] of Object.entries(answers)) {
    await t.test(name, async () => {
      const { code, seen } = await gsOnTerminal(
        ['hash-password'],
        [
          [/Password:/, typed],
          [/The same again:/, again]
        ]
      )
      assert.equal(code, 1)
      assert.match(seen, message)
      assert.doesNotMatch(seen, /argon2id|another one/)
    })
  }
})
