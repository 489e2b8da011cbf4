import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test, type TestContext } from 'node:test'
import { generateJwk, loadKeys, signJwt } from 'fastify-gs-jwt'
import type { JWK } from 'jose'
import { gs, gsJson, gsOnTerminal, temporaryDirectory } from '../testing/run-gs.ts'

const issuer = { iss: 'https://example.com', aud: 'https://example.com/shop' }
const issued = Date.UTC(2026, 10, 21, 18, 30, 1)
let key: JWK
let token: string

before(async () => {
  key = await generateJwk('ES256', { kid: 'one' })
  token = await sign(() => issued)
})

async function sign(now: () => number): Promise<string> {
  const keys = await loadKeys({ jwk: key }, { alg: 'ES256' })
  return (await signJwt({ sub: 'Änn\u202Egro', ext: { level: 1 }, expiresIn: 600 }, { ...issuer, keys, now })).token
}

function fileWith(t: TestContext, jwk: JWK): string {
  const file = join(temporaryDirectory(t), 'key')
  writeFileSync(file, JSON.stringify(jwk), { mode: 0o600 })
  return file
}

test('shows what a token says, with its times as dates, and that nobody has checked it', async () => {
  const { code, stdout, stderr } = await gs(['jwt', 'show'], { input: `${token}\n` })
  assert.equal(code, 0)
  const lines = Object.fromEntries(stdout.split('\n').map((line) => [line.slice(0, 6).trim(), line.slice(8)]))
  assert.equal(lines['header'], '{"alg":"ES256","kid":"one","typ":"session+jwt"}')
  assert.equal(lines['iat'], `${issued / 1000}  2026-11-21 18:30:01 UTC`)
  assert.equal(lines['exp'], `${issued / 1000 + 600}  2026-11-21 18:40:01 UTC, expired`)
  assert.equal(lines['sub'], String.raw`Änn\u{202e}gro`)
  assert.equal(lines['ext'], '{"level":1}')
  assert.equal(stderr, 'The signature was not checked, so anybody may have written this; --keys <file> checks it.\n')
})

test('tells what is still to come from what is there', async () => {
  const { stdout } = await gs(['jwt', 'show'], { input: await sign(() => Date.now() + 3_600_000) })
  assert.match(stdout, /^nbf .+ UTC, not yet$/m)
  assert.match(stdout, /^exp .+ UTC$/m)
})

test('checks the signature with the keys of a file', async (t) => {
  const right = fileWith(t, key)
  const { code, stderr } = await gs(['jwt', 'show', '--keys', right], { input: token })
  assert.deepEqual([code, stderr], [0, 'The signature is right.\n'])

  const others: [JWK, reason: string, sentence: RegExp][] = [
    [await generateJwk('ES256', { kid: 'one' }), 'signature', /the signature is wrong/],
    [await generateJwk('ES256', { kid: 'two' }), 'kid', /none has the kid of its header/],
    [await generateJwk('EdDSA', { kid: 'one' }), 'alg', /the key is for another algorithm/]
  ]
  for (const [jwk, reason, sentence] of others) {
    const file = fileWith(t, jwk)
    const told = await gs(['jwt', 'show', '--keys', file], { input: token })
    assert.equal(told.code, 1)
    assert.match(told.stderr, sentence)
    assert.match(told.stdout, /^sub /m)
    const { code: failed, stdout } = await gs(['jwt', 'show', '--keys', file, '--json'], { input: token })
    assert.deepEqual([failed, (JSON.parse(stdout) as { signature: string }).signature], [1, reason])
  }
})

test('prints one JSON document for machines', async (t) => {
  const answer = await gsJson<{ header: object; claims: { sub: string; exp: number }; signature: string | null }>(['jwt', 'show'], {
    input: token
  })
  assert.deepEqual(answer.header, { alg: 'ES256', kid: 'one', typ: 'session+jwt' })
  assert.deepEqual([answer.claims.sub, answer.claims.exp, answer.signature], ['Änn\u202Egro', issued / 1000 + 600, null])
  assert.equal((await gsJson<{ signature: string }>(['jwt', 'show', '--keys', fileWith(t, key)], { input: token })).signature, 'right')
})

test('asks for the token on a terminal and does not show it', async () => {
  const { code, seen } = await gsOnTerminal(['jwt', 'show'], [[/Token:/, `${token}\r`]])
  assert.equal(code, 0)
  assert.match(seen, /"alg":"ES256"/)
  assert.ok(!seen.includes(token.slice(-40)))
})

test('shows times that are none as they stand', async () => {
  const part = (value: object | string) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
  const input = `${part({ alg: 'none' })}.${part('{"exp":1e999,"iat":"now","nbf":1e300,"a\\u001b[1m":null}')}.`
  const { code, stdout } = await gs(['jwt', 'show'], { input })
  assert.equal(code, 0)
  assert.match(stdout, /^exp +Infinity$/m)
  assert.match(stdout, /^iat +now$/m)
  assert.match(stdout, /^nbf +1e\+300$/m)
  assert.match(stdout, /^a\\u\{1b\}\[1m +null$/m)
})

test('refuses what is no token in one sentence, and never takes it as an argument', async () => {
  const cases: Record<string, [args: string[], input: string, code: number, message: RegExp]> = {
    nothing: [[], '', 1, /There is no token; /],
    'a text': [[], 'hello', 1, /This is no signed token: three parts/],
    'parts that are no JSON': [[], 'YQ.YQ.YQ', 1, /This is no signed token/],
    'two lines': [[], `${token}\n${token}\n`, 1, /more than one line on stdin; send the token only/],
    'too much': [[], 'x'.repeat(70_000), 1, /too long for a token/],
    'an argument': [[token], '', 2, /too many arguments/]
  }
  for (const [name, [args, input, code, message]] of Object.entries(cases)) {
    const result = await gs(['jwt', 'show', ...args], { input })
    assert.deepEqual([result.code, result.stdout], [code, ''], name)
    assert.match(result.stderr, message, name)
    assert.match(result.stderr, /^gs: .+\n$/, name)
    assert.ok(!result.stderr.includes(token), name)
  }
})
