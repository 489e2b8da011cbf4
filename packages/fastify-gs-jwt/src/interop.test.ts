import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import * as crypto from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it, test } from 'node:test'
import { promisify } from 'node:util'
import type { JWK } from 'jose'
import { isSymmetric, jwsAlgorithms, type JwsAlgorithm } from './keys/algorithms.ts'
import { generateJwk } from './keys/generate-jwk.ts'
import { loadKeys, type KeySource } from './keys/load-keys.ts'
import { signJwt } from './sign.ts'
import { verifyJwt } from './verify.ts'

/** Somebody else's JWS. */
interface Implementation {
  readonly name: string
  readonly algorithms: readonly JwsAlgorithm[]
  /** A new private key or secret, as it makes them. */
  readonly generate: (alg: JwsAlgorithm) => Promise<Made>
  readonly sign: (alg: JwsAlgorithm, key: JWK | string, header: object, payload: string) => Promise<string>
  /** @param key public, or secret */
  readonly verify: (alg: JwsAlgorithm, key: JWK, token: string) => Promise<boolean>
}

interface Made {
  /** For itself. */
  readonly key: JWK | string
  /** For us. */
  readonly source: KeySource
}

const directory = mkdtempSync(join(tmpdir(), 'gs-jwt-interop-'))
after(() => rmSync(directory, { recursive: true, force: true }))
let files = 0
function fileWith(content: string | Buffer): string {
  const path = join(directory, String(++files))
  writeFileSync(path, content, { mode: 0o600 })
  return path
}

const exec = promisify(execFile)
const run = async (program: string, args: readonly string[]) => (await exec(program, args, { encoding: 'buffer', timeout: 30_000 })).stdout
const succeeds = (program: string, args: readonly string[]) =>
  run(program, args).then(
    () => true,
    () => false
  )

const curves: Readonly<Record<string, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }
const hashOf = (alg: JwsAlgorithm) => `sha${alg.slice(2)}`
const encode = (value: string) => Buffer.from(value).toString('base64url')
const bytesOf = ({ k }: JWK) => Buffer.from(k!, 'base64url')
const hmac = (alg: JwsAlgorithm, key: JWK, input: string) => crypto.createHmac(hashOf(alg), bytesOf(key)).update(input).digest()

async function compact(header: object, payload: string, sign: (input: string) => Buffer | Promise<Buffer>): Promise<string> {
  const input = `${encode(JSON.stringify(header))}.${encode(payload)}`
  return `${input}.${(await sign(input)).toString('base64url')}`
}

function parts(token: string): { input: string; signature: Buffer } {
  const dot = token.lastIndexOf('.')
  return { input: token.slice(0, dot), signature: Buffer.from(token.slice(dot + 1), 'base64url') }
}

const pairOf = (alg: JwsAlgorithm): crypto.KeyPairKeyObjectResult => {
  if (alg in curves) return crypto.generateKeyPairSync('ec', { namedCurve: curves[alg]! })
  if (/^[RP]S/.test(alg)) return crypto.generateKeyPairSync('rsa', { modulusLength: 2048 })
  return alg.startsWith('ML-') ? crypto.generateKeyPairSync(alg.toLowerCase() as 'ml-dsa-44') : crypto.generateKeyPairSync('ed25519')
}

const padding = crypto.constants.RSA_PKCS1_PSS_PADDING
/** For `sign` and `verify` of node:crypto. */
function parametersOf(alg: JwsAlgorithm, key: JWK, type: 'private' | 'public') {
  const make = type === 'private' ? crypto.createPrivateKey : crypto.createPublicKey
  const options = {
    key: make({ key: key, format: 'jwk' }),
    ...(alg.startsWith('PS') && { padding, saltLength: crypto.constants.RSA_PSS_SALTLEN_DIGEST }),
    ...(alg in curves && { dsaEncoding: 'ieee-p1363' as const })
  }
  return [/^(Ed|ML)/.test(alg) ? null : hashOf(alg), options] as const
}

/** Synchronous, while `jose` works with WebCrypto. It takes part everywhere, so that nothing here depends on what a machine has. */
const nodeCrypto: Implementation = {
  name: 'node:crypto',
  algorithms: jwsAlgorithms,
  async generate(alg) {
    const key = isSymmetric(alg)
      ? { kty: 'oct', k: crypto.randomBytes(64).toString('base64url') }
      : (pairOf(alg).privateKey.export({ format: 'jwk' }) as JWK)
    return { key, source: { jwk: key } }
  },
  sign: (alg, key, header, payload) =>
    compact(header, payload, (input) => {
      if (isSymmetric(alg)) return hmac(alg, key as JWK, input)
      const [hash, options] = parametersOf(alg, key as JWK, 'private')
      return crypto.sign(hash, Buffer.from(input), options)
    }),
  async verify(alg, key, token) {
    const { input, signature } = parts(token)
    if (isSymmetric(alg)) return hmac(alg, key, input).equals(signature)
    const [hash, options] = parametersOf(alg, key, 'public')
    return crypto.verify(hash, Buffer.from(input), options, signature)
  }
}

/** The DER of two numbers, as OpenSSL has ECDSA signatures, from the two halves of RFC 7518, 3.4. */
function toDer(signature: Buffer): Buffer {
  const half = signature.length / 2
  const body = Buffer.concat([signature.subarray(0, half), signature.subarray(half)].map(derInteger))
  return Buffer.concat([Buffer.from(body.length < 128 ? [0x30, body.length] : [0x30, 0x81, body.length]), body])
}

function derInteger(number: Buffer): Buffer {
  const first = number.findIndex((byte) => byte !== 0)
  const digits = number.subarray(first === -1 ? number.length - 1 : first)
  const content = digits[0]! < 128 ? digits : Buffer.concat([Buffer.alloc(1), digits])
  return Buffer.concat([Buffer.from([0x02, content.length]), content])
}

function fromDer(der: Buffer, half: number): Buffer {
  const signature = Buffer.alloc(2 * half)
  let at = der[1] === 0x81 ? 3 : 2
  for (const end of [half, 2 * half]) {
    const length = der[at + 1]!
    const digits = der.subarray(at + 2, at + 2 + length)
    const number = digits.subarray(Math.max(0, digits.length - half))
    number.copy(signature, end - number.length)
    at += 2 + length
  }
  return signature
}

const halves: Readonly<Record<string, number>> = { ES256: 32, ES384: 48, ES512: 66 }
const pss = ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:digest']
const opensslHmac = (alg: JwsAlgorithm, hexKey: string, input: string) =>
  run('openssl', ['dgst', `-${hashOf(alg)}`, '-mac', 'HMAC', '-macopt', `hexkey:${hexKey}`, '-binary', fileWith(input)])

const opensslGenerate = async (alg: JwsAlgorithm): Promise<Made> => {
  if (isSymmetric(alg)) {
    const key = (await run('openssl', ['rand', '-hex', '64'])).toString().trim()
    return { key, source: { jwk: { kty: 'oct', k: Buffer.from(key, 'hex').toString('base64url') } } }
  }
  const kind =
    alg in curves
      ? ['EC', '-pkeyopt', `ec_paramgen_curve:${curves[alg]}`]
      : /^[RP]S/.test(alg)
        ? ['RSA', '-pkeyopt', 'rsa_keygen_bits:2048']
        : ['ED25519']
  const pem = (await run('openssl', ['genpkey', '-quiet', '-algorithm', ...kind])).toString()
  return { key: pem, source: { pem } }
}

const openssl: Implementation = {
  name: 'OpenSSL',
  algorithms: jwsAlgorithms.filter((alg) => !alg.startsWith('ML-')),
  generate: opensslGenerate,
  sign: (alg, key, header, payload) =>
    compact(header, payload, async (input) => {
      if (isSymmetric(alg)) return opensslHmac(alg, key as string, input)
      const [text, pem] = [fileWith(input), fileWith(key as string)]
      if (alg.startsWith('Ed')) return run('openssl', ['pkeyutl', '-sign', '-rawin', '-in', text, '-inkey', pem])
      const options = alg.startsWith('PS') ? pss : []
      const signature = await run('openssl', ['dgst', `-${hashOf(alg)}`, ...options, '-sign', pem, text])
      return alg in curves ? fromDer(signature, halves[alg]!) : signature
    }),
  async verify(alg, key, token) {
    const { input, signature } = parts(token)
    if (isSymmetric(alg)) return (await opensslHmac(alg, bytesOf(key).toString('hex'), input)).equals(signature)
    const pem = fileWith(crypto.createPublicKey({ key: key, format: 'jwk' }).export({ type: 'spki', format: 'pem' }))
    const [text, signed] = [fileWith(input), fileWith(alg in curves ? toDer(signature) : signature)]
    if (alg.startsWith('Ed'))
      return succeeds('openssl', ['pkeyutl', '-verify', '-rawin', '-pubin', '-inkey', pem, '-in', text, '-sigfile', signed])
    const options = alg.startsWith('PS') ? pss : []
    return succeeds('openssl', ['dgst', `-${hashOf(alg)}`, ...options, '-verify', pem, '-signature', signed, text])
  }
}

/** The program `jose` of latchset (Debian's package `jose`), not the library of that name. */
const joseTool: Implementation = {
  name: 'the program jose',
  algorithms: [],
  async generate(alg) {
    const key = JSON.parse((await run('jose', ['jwk', 'gen', '-i', JSON.stringify({ alg })])).toString()) as JWK
    return { key, source: { jwk: key } }
  },
  async sign(_alg, key, header, payload) {
    const template = JSON.stringify({ protected: header })
    const args = ['-I', fileWith(payload), '-k', fileWith(JSON.stringify(key)), '-s', template, '-c', '-o', '-']
    return (await run('jose', ['jws', 'sig', ...args])).toString()
  },
  verify: (_alg, key, token) => succeeds('jose', ['jws', 'ver', '-i', fileWith(token), '-k', fileWith(JSON.stringify(key))])
}

const output = (program: string, args: readonly string[]) => spawnSync(program, args, { encoding: 'utf8', timeout: 30_000 }).stdout ?? ''
const opensslVersion = /^OpenSSL (?:[3-9]|\d\d)\.\S+/.exec(output('openssl', ['version']))?.[0]
const joseAlgorithms = output('jose', ['alg', '-k', 'sign']).split(/\s+/)
const implementations = [
  nodeCrypto,
  ...(opensslVersion === undefined ? [] : [openssl]),
  ...(joseAlgorithms.includes('ES512') ? [{ ...joseTool, algorithms: jwsAlgorithms.filter((alg) => joseAlgorithms.includes(alg)) }] : [])
]

test('node:crypto takes part on any machine, OpenSSL 3 and the program jose where they are', (t) => {
  assert.equal(implementations[0]?.algorithms.length, jwsAlgorithms.length)
  for (const { name, algorithms } of implementations) t.diagnostic(`${name}: ${algorithms.join(' ')}`)
  if (!implementations.includes(openssl)) t.diagnostic('No OpenSSL 3 on PATH')
  if (joseAlgorithms.length < 2) t.diagnostic('No program jose on PATH (apt-get install jose)')
})

const issuer = { iss: 'https://example.com', aud: 'https://example.com/shop', maxBytes: 8192 }
const seconds = () => Math.floor(Date.now() / 1000)
const sessionClaims = () => {
  const iat = seconds()
  return { iss: issuer.iss, aud: issuer.aud, iat, nbf: iat - 60, exp: iat + 600, sub: 'Ännchen', jti: 'one', csrf: '0123456789abcdef' }
}
const publicPart = (jwk: JWK): JWK => {
  const { d: _, dp: __, dq: ___, p: ____, q: _____, qi: ______, priv: _______, ...open } = jwk
  return open
}

/** With one bit of its payload turned over. */
function forged(token: string): string {
  const [header, payload, signature] = token.split('.')
  const bytes = Buffer.from(payload!, 'base64url')
  bytes[bytes.length - 3]! ^= 1
  return `${header}.${bytes.toString('base64url')}.${signature}`
}

for (const { name, algorithms, generate, sign, verify } of implementations) {
  describe(name, () => {
    for (const alg of algorithms) {
      it(`signs with an ${alg} key of its own what we believe`, async () => {
        const { key, source } = await generate(alg)
        const keys = await loadKeys(source, { alg })
        const { kid } = keys.signing(Date.now())!
        const claims = sessionClaims()
        const token = await sign(alg, key, { alg, kid, typ: 'session+jwt' }, JSON.stringify(claims))
        const verified = await verifyJwt(token, { ...issuer, keys })
        assert.ok(verified.ok, JSON.stringify(verified))
        assert.deepEqual(verified.jwt.claims, claims)
        assert.deepEqual(await verifyJwt(forged(token), { ...issuer, keys }), { ok: false, reason: 'signature' })
      })

      it(`believes what we sign with an ${alg} key of ours`, async () => {
        const jwk = await generateJwk(alg, /^[RP]S/.test(alg) ? { modulusLength: 2048 } : {})
        const keys = await loadKeys({ jwk }, { alg })
        const { token } = await signJwt({ sub: 'Ännchen', ext: { authorization: 1 } }, { ...issuer, keys })
        const theirs = isSymmetric(alg) ? jwk : publicPart(jwk)
        assert.equal(await verify(alg, theirs, token), true)
        assert.equal(await verify(alg, theirs, forged(token)), false)
      })
    }
  })
}

if (joseAlgorithms.includes('ES512')) {
  describe('the program jose and our key sets', () => {
    it('finds the key of a token in the set that we publish', async () => {
      const [first, second] = [await generateJwk('ES256'), await generateJwk('ES512')]
      const keys = await loadKeys([{ jwk: first }, { jwk: second }], { alg: 'ES256' })
      const { token } = await signJwt({ sub: 'ann' }, { ...issuer, keys })
      const set = fileWith(JSON.stringify({ keys: keys.publicKeys(Date.now()) }))
      assert.equal(await succeeds('jose', ['jws', 'ver', '-i', fileWith(token), '-k', set]), true)
      assert.equal(await succeeds('jose', ['jws', 'ver', '-i', fileWith(forged(token)), '-k', set]), false)
    })

    for (const alg of ['ES256', 'ES512', 'PS256'] as const) {
      it(`gives an ${alg} key the same thumbprint (RFC 7638)`, async () => {
        const jwk = await generateJwk(alg)
        assert.equal((await run('jose', ['jwk', 'thp', '-i', fileWith(JSON.stringify(jwk))])).toString().trim(), jwk.kid)
      })
    }
  })
}

describe('a key of ours as PEM', () => {
  for (const alg of ['ES512', 'PS256', 'EdDSA'] as const) {
    it(`is the same ${alg} key`, async () => {
      const jwk = await generateJwk(alg)
      const pem = crypto.createPrivateKey({ key: jwk, format: 'jwk' }).export({ type: 'pkcs8', format: 'pem' })
      const keys = await loadKeys({ pem: String(pem) }, { alg })
      assert.deepEqual(keys.publicKeys(Date.now()), (await loadKeys({ jwk }, { alg })).publicKeys(Date.now()))
    })
  }
})

/** A token as libwebsockets writes it: a header with nothing but `alg`, and the claims in its order and without `jti`. */
function libwebsocketsToken(alg: JwsAlgorithm, key: JWK, claims: { sub: string; ext?: string; lifetime?: number }): Promise<string> {
  const now = seconds()
  const text = [
    `"iss":"${issuer.iss}"`,
    `"aud":"${issuer.aud}"`,
    `"iat":${now}`,
    `"nbf":${now - 60}`,
    `"exp":${now + (claims.lifetime ?? 600)}`,
    `"csrf":"fedcba9876543210"`,
    `"sub":"${claims.sub}"`,
    ...(claims.ext === undefined ? [] : [`"ext":{${claims.ext}}`])
  ].join(',')
  return nodeCrypto.sign(alg, key, { alg }, `{${text}}`)
}

describe('tokens of libwebsockets', () => {
  const rules = { ...issuer, typ: null, required: ['nbf', 'sub', 'csrf'] } as const
  for (const alg of ['HS256', 'HS512', 'RS256', 'RS512', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const) {
    it(`are believed with ${alg} by who asks for no typ and no jti`, async () => {
      const jwk = await generateJwk(alg, alg.startsWith('RS') ? { modulusLength: 2048 } : {})
      const keys = await loadKeys({ jwk }, { alg })
      const token = await libwebsocketsToken(alg, jwk, { sub: 'ann', ext: '"authorization":1,"role":"admin"' })
      assert.equal(Buffer.from(token.split('.')[0]!, 'base64url').toString(), `{"alg":"${alg}"}`)
      const verified = await verifyJwt(token, { ...rules, keys })
      assert.ok(verified.ok, JSON.stringify(verified))
      const { sub, csrf, ext, exp } = verified.jwt.claims
      assert.deepEqual({ sub, csrf, ext }, { sub: 'ann', csrf: 'fedcba9876543210', ext: { authorization: 1, role: 'admin' } })
      assert.equal(verified.jwt.expiresAt, exp * 1000)
    })
  }

  it('are believed without ext', async () => {
    const jwk = await generateJwk('ES512')
    const keys = await loadKeys({ jwk }, { alg: 'ES512' })
    const verified = await verifyJwt(await libwebsocketsToken('ES512', jwk, { sub: 'ann' }), { ...rules, keys })
    assert.equal(verified.ok && 'ext' in verified.jwt.claims, false)
    assert.ok(verified.ok)
  })

  it('are no sessions of ours unless that is asked for', async () => {
    const jwk = await generateJwk('ES512')
    const keys = await loadKeys({ jwk }, { alg: 'ES512' })
    const token = await libwebsocketsToken('ES512', jwk, { sub: 'ann' })
    assert.deepEqual(await verifyJwt(token, { ...issuer, keys }), { ok: false, reason: 'typ' })
    assert.deepEqual(await verifyJwt(token, { ...issuer, keys, typ: null }), { ok: false, reason: 'claim', claim: 'jti' })
  })

  it('cannot say more by their subject than libwebsockets meant', async () => {
    const jwk = await generateJwk('ES512')
    const keys = await loadKeys({ jwk }, { alg: 'ES512' })
    const token = await libwebsocketsToken('ES512', jwk, { sub: 'ann","ext":{"authorization":9},"x":"', ext: '"authorization":1' })
    assert.deepEqual(await verifyJwt(token, { ...rules, keys }), { ok: false, reason: 'payload' })
  })

  it('do not live on with an exp that libwebsockets takes for no end', async () => {
    const jwk = await generateJwk('ES512')
    const keys = await loadKeys({ jwk }, { alg: 'ES512' })
    const token = await libwebsocketsToken('ES512', jwk, { sub: 'ann', lifetime: -1 - seconds() })
    assert.deepEqual(await verifyJwt(token, { ...rules, keys }), { ok: false, reason: 'claim', claim: 'exp' })
  })
})

interface Reading {
  readonly alg: JwsAlgorithm
  readonly key: JWK
  readonly csrf?: string
}

/**
 * Reads a token by the rules of libwebsockets: 1023 characters, the algorithm of the header out of a list, claims where the text of their
 * name is found first, `exp` still valid in its own second. Null: refused.
 */
async function readAsLibwebsockets(token: string, { alg, key, csrf }: Reading): Promise<{ sub: string; exp: number; ext: string } | null> {
  const [header, payload] = token.split('.').map((segment) => Buffer.from(segment, 'base64url').toString())
  const after = (name: string) => {
    const at = payload!.indexOf(`"${name}":`)
    return at === -1 ? null : payload!.slice(at + name.length + 3)
  }
  const text = (name: string) => /^"([^"]*)"/.exec(after(name) ?? '')?.[1] ?? null
  const number = (name: string) => Number(/^\d+/.exec(after(name) ?? '')?.[0] ?? NaN)
  if (token.length > 1023 || !header!.includes(`"alg":"${alg}"`) || !(await nodeCrypto.verify(alg, key, token))) return null
  if (text('iss') !== issuer.iss || text('aud') !== issuer.aud || !(number('nbf') <= seconds()) || !(number('exp') >= seconds()))
    return null
  if (csrf !== undefined && text('csrf') !== csrf) return null
  const sub = text('sub')
  if (sub === null || sub === '' || sub.length > 64) return null
  return { sub, exp: number('exp'), ext: /^[^,}]*[,}]/.exec(after('ext') ?? '')?.[0] ?? '' }
}

describe('tokens of ours', () => {
  for (const alg of ['HS256', 'RS256', 'ES256', 'ES512', 'EdDSA'] as const) {
    it(`are what libwebsockets would believe with ${alg}`, async () => {
      const jwk = await generateJwk(alg, alg === 'RS256' ? { modulusLength: 2048 } : {})
      const keys = await loadKeys({ jwk }, { alg })
      const { token, claims, csrf } = await signJwt({ sub: 'ann', ext: { authorization: 1 } }, { ...issuer, keys })
      const key = isSymmetric(alg) ? jwk : publicPart(jwk)
      assert.deepEqual(await readAsLibwebsockets(token, { alg, key, csrf }), { sub: 'ann', exp: claims.exp, ext: '{"authorization":1}' })
      assert.equal(await readAsLibwebsockets(token, { alg, key, csrf: '0000000000000000' }), null)
      assert.equal(await readAsLibwebsockets(forged(token), { alg, key }), null)
    })
  }

  it('have ext behind the claims, so that who searches their text finds no other ones in it', async () => {
    const jwk = await generateJwk('ES512')
    const keys = await loadKeys({ jwk }, { alg: 'ES512' })
    const ext = { iss: 'https://evil.example', sub: 'root', exp: 9_999_999_999, csrf: '0000000000000000' }
    const { token, claims, csrf } = await signJwt({ sub: 'ann', ext }, { ...issuer, keys })
    const read = await readAsLibwebsockets(token, { alg: 'ES512', key: publicPart(jwk), csrf })
    assert.deepEqual([read?.sub, read?.exp], ['ann', claims.exp])
  })
})
