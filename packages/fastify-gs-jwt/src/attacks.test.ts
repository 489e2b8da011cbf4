import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import Fastify, { type FastifyInstance } from 'fastify'
import { exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'
import { fastifyGsJwt, loadKeys, verifyJwt, type JwsAlgorithm, type JwtRefusal, type KeyRing, type VerifyOptions } from './index.ts'
import { encode, forge, hmacSigner, rawSigner, type Content, type RawSigner } from './testing/forge.ts'
import { Clock, issuer } from './testing/site.ts'

/*
 * The attacks that are known: on the format, on the choice of the key and of the algorithm, on the claims. Each one meets `verifyJwt`, which
 * has to give the reason, and an application, which has to give the same answer for all of them.
 */

const clock = new Clock()
const second = clock.at / 1000
const schema = { type: 'object', properties: { role: { enum: ['reader', 'editor'] } } }

async function privateKey(alg: JwsAlgorithm, kid: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true })
  return { ...(await exportJWK(privateKey)), alg, kid }
}

const main = await privateKey('ES256', 'main')
const second256 = await privateKey('ES256', 'second')
const p521 = await privateKey('ES512', 'p521')
const rsa = await privateKey('RS256', 'rsa')
const ed = await privateKey('EdDSA', 'ed')
const stranger = await privateKey('ES256', 'main')
const secret: JWK = { kty: 'oct', k: randomBytes(32).toString('base64url'), alg: 'HS256', kid: 'secret' }

const byMain = rawSigner('ES256', main)
const bySecret = rawSigner('HS256', secret)

/** A ring that counts how often it is asked. */
async function watchedRing(jwks: readonly JWK[], alg: JwsAlgorithm): Promise<KeyRing & { asked: number }> {
  const ring = await loadKeys(
    jwks.map((jwk) => ({ jwk })),
    { alg }
  )
  const watched = {
    asked: 0,
    algorithms: ring.algorithms,
    find(kid: string | undefined, now: number) {
      watched.asked += 1
      return ring.find(kid, now)
    },
    signing: (now: number) => ring.signing(now),
    publicKeys: (now: number) => ring.publicKeys(now)
  }
  return watched
}

const asymmetric = await watchedRing([main, second256, p521, rsa, ed], 'ES256')
const symmetric = await watchedRing([secret], 'HS256')

const header = { alg: 'ES256', kid: 'main', typ: 'session+jwt' }
const claims = {
  iss: issuer,
  aud: issuer,
  iat: second,
  nbf: second - 60,
  exp: second + 600,
  sub: 'ann',
  jti: 'A'.repeat(24),
  csrf: '0123456789abcdef'
}

const valid = forge(header, claims, byMain)
const [validHeader, validPayload, validSignature] = valid.split('.') as [string, string, string]
const validHs = forge({ ...header, alg: 'HS256', kid: 'secret' }, claims, bySecret)

/** Rightly signed by the first key, with other members in the header; undefined leaves one out. */
const withHeader = (changes: object, signer: RawSigner = byMain) => forge({ ...header, ...changes }, claims, signer)
/** Rightly signed, with other claims. */
const withClaims = (changes: object) => forge(header, { ...claims, ...changes }, byMain)
/** Rightly signed, whatever it is. */
const withPayload = (payload: Content) => forge(header, payload, byMain)
const withSignature = (signature: string | Uint8Array) =>
  `${validHeader}.${validPayload}.${typeof signature === 'string' ? signature : Buffer.from(signature).toString('base64url')}`

/** JSON of the claims with something put in front of the last brace. */
const claimsAnd = (more: string) => `${JSON.stringify(claims).slice(0, -1)}${more}}`

// The order of the group of P-256 (FIPS 186-5).
const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const scalar = (value: bigint) => Buffer.from(value.toString(16).padStart(64, '0'), 'hex')
const rightSignature = Buffer.from(validSignature, 'base64url')
const r = rightSignature.subarray(0, 32)
const s = rightSignature.subarray(32)
const twinSignature = Buffer.concat([r, scalar(n - BigInt(`0x${s.toString('hex')}`))])

const rsaPublic = createPublicKey({ key: { ...rsa }, format: 'jwk' })
const ecPublic = createPublicKey({ key: { ...main }, format: 'jwk' })
const spki = (key: typeof rsaPublic) => key.export({ type: 'spki', format: 'der' })

/** The same bytes in the other alphabet, of a token whose signature has a letter that differs there. */
function otherAlphabet(): string {
  for (;;) {
    const token = withClaims({})
    const signature = token.slice(token.lastIndexOf('.') + 1)
    if (/[-_]/.test(signature)) return token.slice(0, -signature.length) + signature.replaceAll('-', '+').replaceAll('_', '/')
  }
}

/** The same signature with another last character, of which decoders ignore the last bits. */
function otherLastCharacter(): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return valid.slice(0, -1) + letters[letters.indexOf(valid.at(-1)!) + 1]!
}

function signedAs(segments: readonly [string, string]): string {
  const input = segments.join('.')
  return `${input}.${byMain(input).toString('base64url')}`
}

const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`

/** Nobody may ever connect to it, though tokens name it. */
const trap = createServer((_request, response) => void response.end('{"keys":[]}'))
let connections = 0
trap.on('connection', () => (connections += 1))
await new Promise<void>((resolve) => void trap.listen(0, '127.0.0.1', resolve))
const trapUrl = `http://127.0.0.1:${(trap.address() as AddressInfo).port}/jwks.json`
after(() => trap.close())

interface Attack {
  readonly name: string
  readonly token: string
  readonly reason: JwtRefusal
  readonly claim?: string
  /** Against the ring with the secret. */
  readonly hs?: true
}

const publicPart = ({ kty, crv, x, y }: JWK) => ({ kty, crv, x, y })

const algorithmAttacks: readonly Attack[] = [
  ...['none', 'None', 'NoNe', 'nOnE', 'NONE'].flatMap((alg): Attack[] => [
    { name: `alg ${alg}, without signature`, token: `${encode({ ...header, alg })}.${validPayload}.`, reason: 'malformed' },
    { name: `alg ${alg}, with a signature`, token: withHeader({ alg }), reason: 'alg' },
    { name: `alg ${alg}, without kid`, token: withHeader({ alg, kid: undefined }), reason: 'kid' }
  ]),
  { name: 'empty signature', token: `${validHeader}.${validPayload}.`, reason: 'malformed' },
  { name: 'empty signature, HS256', token: `${validHs.slice(0, validHs.lastIndexOf('.'))}.`, reason: 'malformed', hs: true },
  {
    name: 'truncated MAC',
    token: forge({ ...header, alg: 'HS256', kid: 'secret' }, claims, (input) => bySecret(input).subarray(0, 16)),
    reason: 'signature',
    hs: true
  },
  {
    name: 'MAC of another secret',
    token: forge({ ...header, alg: 'HS256', kid: 'secret' }, claims, hmacSigner('sha256', 'x')),
    reason: 'signature',
    hs: true
  },
  {
    name: 'MAC with an empty secret',
    token: forge({ ...header, alg: 'HS256', kid: 'secret' }, claims, hmacSigner('sha256', '')),
    reason: 'signature',
    hs: true
  },
  {
    name: 'HS512 on a key for HS256',
    token: forge({ ...header, alg: 'HS512', kid: 'secret' }, claims, rawSigner('HS512', secret)),
    reason: 'alg',
    hs: true
  },
  {
    name: 'MAC of SHA-512 said to be HS256',
    token: forge({ ...header, alg: 'HS256', kid: 'secret' }, claims, rawSigner('HS512', secret)),
    reason: 'signature',
    hs: true
  },
  { name: 'alg none on a secret', token: forge({ ...header, alg: 'none', kid: 'secret' }, claims, bySecret), reason: 'alg', hs: true },
  { name: 'no alg', token: withHeader({ alg: undefined }), reason: 'header' },
  { name: 'alg is a number', token: withHeader({ alg: 256 }), reason: 'header' },
  { name: 'alg is null', token: withHeader({ alg: null }), reason: 'header' },
  { name: 'alg is a list with the right one', token: withHeader({ alg: ['ES256'] }), reason: 'header' },
  { name: 'alg in small letters', token: withHeader({ alg: 'es256' }), reason: 'alg' },
  { name: 'alg with a blank', token: withHeader({ alg: 'ES256 ' }), reason: 'alg' },
  {
    name: 'alg given twice',
    token: forge('{"alg":"none","alg":"ES256","kid":"main","typ":"session+jwt"}', claims, byMain),
    reason: 'malformed'
  },
  {
    name: 'alg given twice, once with an escape',
    token: forge('{"\\u0061lg":"none","alg":"ES256","kid":"main","typ":"session+jwt"}', claims, byMain),
    reason: 'malformed'
  },
  ...(
    [
      ['RSA key, PEM', rsaPublic.export({ type: 'spki', format: 'pem' }), 'rsa'],
      ['RSA key, PKCS#1 PEM', rsaPublic.export({ type: 'pkcs1', format: 'pem' }), 'rsa'],
      ['RSA key, DER', spki(rsaPublic), 'rsa'],
      ['EC key, PEM', ecPublic.export({ type: 'spki', format: 'pem' }), 'main'],
      ['EC key, DER', spki(ecPublic), 'main'],
      ['EC key, JWK', JSON.stringify(publicPart(main)), 'main']
    ] as const
  ).map(([what, key, kid]): Attack => ({
    name: `HS256 with the public key as secret: ${what}`,
    token: withHeader({ alg: 'HS256', kid }, hmacSigner('sha256', key)),
    reason: 'alg'
  })),
  { name: 'PS256 on a key for RS256', token: withHeader({ alg: 'PS256', kid: 'rsa' }, rawSigner('PS256', rsa)), reason: 'alg' },
  { name: 'RS384 on a key for RS256', token: withHeader({ alg: 'RS384', kid: 'rsa' }, rawSigner('RS384', rsa)), reason: 'alg' },
  { name: 'PSS signature said to be RS256', token: withHeader({ alg: 'RS256', kid: 'rsa' }, rawSigner('PS256', rsa)), reason: 'signature' },
  { name: 'ES256 on a P-521 key', token: withHeader({ kid: 'p521' }), reason: 'alg' },
  { name: 'ES512 by a P-256 key', token: withHeader({ alg: 'ES512', kid: 'p521' }), reason: 'signature' },
  { name: 'the other name of EdDSA', token: withHeader({ alg: 'Ed25519', kid: 'ed' }, rawSigner('EdDSA', ed)), reason: 'alg' },
  { name: 'key of a stranger', token: withHeader({}, rawSigner('ES256', stranger)), reason: 'signature' }
]

const headerAttacks: readonly Attack[] = [
  ...(
    [
      '[]',
      'null',
      '"ES256"',
      '1',
      '',
      'alg',
      '{',
      '{"alg":"ES256"',
      `${JSON.stringify(header)}x`,
      `\uFEFF${JSON.stringify(header)}`,
      "{'alg':'ES256'}"
    ] as const
  ).map((text): Attack => ({ name: `header ${JSON.stringify(text)}`, token: forge(text, claims, byMain), reason: 'malformed' })),
  { name: 'header that is not UTF-8', token: forge(Buffer.from([0xff, 0xfe]), claims, byMain), reason: 'malformed' },
  {
    name: 'header with __proto__',
    token: forge('{"__proto__":{"alg":"ES256"},"kid":"main","typ":"session+jwt"}', claims, byMain),
    reason: 'malformed'
  },
  {
    name: 'header nested 400 levels deep',
    token: forge(`{"alg":"ES256","kid":"main","typ":"session+jwt","x":${nested(400)}}`, claims, byMain),
    reason: 'malformed'
  },
  ...[1, null, ['main'], { main: 1 }, true].map((kid): Attack => ({
    name: `kid ${JSON.stringify(kid)}`,
    token: withHeader({ kid }),
    reason: 'header'
  })),
  ...[
    '',
    'unknown',
    'MAIN',
    'main ',
    'main\0',
    '__proto__',
    'constructor',
    'toString',
    '../../dev/null',
    '/dev/null',
    "' OR 1=1--",
    '$ne',
    '\uD800',
    trapUrl
  ].map((kid): Attack => ({
    name: `kid ${JSON.stringify(kid.replace(/\d+/g, '0'))}`,
    token: withHeader({ kid }),
    reason: kid === '\uD800' ? 'malformed' : 'kid'
  })),
  { name: 'kid of 1 KB', token: withHeader({ kid: 'k'.repeat(1024) }), reason: 'header' },
  { name: 'kid of 10 KB', token: withHeader({ kid: 'k'.repeat(10_240) }), reason: 'too-large' },
  { name: 'no kid where there are several keys', token: withHeader({ kid: undefined }), reason: 'kid' },
  { name: 'kid of one key, signature of another', token: withHeader({ kid: 'second' }), reason: 'signature' },
  ...(
    [
      ['jku', trapUrl],
      ['x5u', trapUrl],
      ['jku', `file:///etc/passwd`],
      ['x5c', ['AAAA']],
      ['x5t', 'AAAA'],
      ['x5t#S256', 'AAAA'],
      ['jwk', publicPart(main)],
      ['jwk', null],
      ['crit', ['x']],
      ['crit', []],
      ['crit', ['alg']],
      ['crit', ['exp']],
      ['crit', null],
      ['b64', true],
      ['b64', false],
      ['zip', 'DEF'],
      ['cty', 'JWT'],
      ['enc', 'A128GCM'],
      ['p2c', 2 ** 31]
    ] as const
  ).map(([name, value]): Attack => ({
    name: `${name} in the header, rightly signed: ${JSON.stringify(value).replace(/:\d+/, '')}`.slice(0, 80),
    token: withHeader({ [name]: value }),
    reason: 'header'
  })),
  { name: 'key of a stranger in jwk', token: withHeader({ jwk: publicPart(stranger) }, rawSigner('ES256', stranger)), reason: 'header' },
  { name: 'key of a stranger behind jku', token: withHeader({ jku: trapUrl }, rawSigner('ES256', stranger)), reason: 'header' },
  { name: 'crit b64 twice', token: withHeader({ crit: ['b64', 'b64'], b64: true }), reason: 'header' },
  { name: 'payload that is not encoded (RFC 7797)', token: withHeader({ crit: ['b64'], b64: false }), reason: 'header' },
  ...(['JWT', 'at+jwt', 'mail+jwt', 'refresh+jwt', 'session', 'session+jwt ', 'text/session+jwt', ''] as const).map((typ): Attack => ({
    name: `typ ${JSON.stringify(typ)}`,
    token: withHeader({ typ }),
    reason: 'typ'
  })),
  { name: 'no typ', token: withHeader({ typ: undefined }), reason: 'typ' },
  { name: 'typ is a list', token: withHeader({ typ: ['session+jwt'] }), reason: 'header' },
  { name: 'typ is null', token: withHeader({ typ: null }), reason: 'header' }
]

const signatureAttacks: readonly Attack[] = [
  { name: 'psychic signature: r = s = 0', token: withSignature(Buffer.alloc(64)), reason: 'signature' },
  { name: 'r = 0', token: withSignature(Buffer.concat([Buffer.alloc(32), s])), reason: 'signature' },
  { name: 's = 0', token: withSignature(Buffer.concat([r, Buffer.alloc(32)])), reason: 'signature' },
  { name: 'r = n', token: withSignature(Buffer.concat([scalar(n), s])), reason: 'signature' },
  { name: 's = n', token: withSignature(Buffer.concat([r, scalar(n)])), reason: 'signature' },
  { name: 'signature cut', token: withSignature(rightSignature.subarray(0, 63)), reason: 'signature' },
  { name: 'half a signature', token: withSignature(r), reason: 'signature' },
  { name: 'signature longer', token: withSignature(Buffer.concat([rightSignature, Buffer.alloc(1)])), reason: 'signature' },
  {
    name: 'DER signature',
    token: withSignature(
      sign('sha256', Buffer.from(`${validHeader}.${validPayload}`), { key: main as never, format: 'jwk', dsaEncoding: 'der' } as never)
    ),
    reason: 'signature'
  },
  {
    name: 'signature of another token',
    token: `${validHeader}.${withClaims({ sub: 'bob' }).split('.')[1]!}.${validSignature}`,
    reason: 'signature'
  },
  { name: 'newline after the signature', token: `${valid}\n`, reason: 'malformed' },
  { name: 'blanks after the signature', token: `${valid}  `, reason: 'malformed' },
  { name: 'blank within the signature', token: `${valid.slice(0, -5)} ${valid.slice(-5)}`, reason: 'malformed' },
  { name: 'tab within the signature', token: `${valid.slice(0, -5)}\t${valid.slice(-5)}`, reason: 'malformed' },
  { name: 'padding', token: `${valid}==`, reason: 'malformed' },
  { name: 'a single =', token: `${valid}=`, reason: 'malformed' },
  { name: 'unused bits of the last character', token: otherLastCharacter(), reason: 'malformed' },
  { name: 'the alphabet with + and /', token: otherAlphabet(), reason: 'malformed' },
  {
    name: 'padding in the header, rightly signed',
    token: signedAs([`${encode('{"alg":"ES256","kid":"main","typ":"session+jwt" }')}==`, validPayload]),
    reason: 'malformed'
  },
  { name: 'padding in the payload, rightly signed', token: signedAs([validHeader, `${validPayload}=`]), reason: 'malformed' },
  {
    name: 'blank in the payload, rightly signed',
    token: signedAs([validHeader, `${validPayload.slice(0, 8)} ${validPayload.slice(8)}`]),
    reason: 'malformed'
  },
  { name: 'letter outside ASCII', token: `${valid.slice(0, -1)}\u212A`, reason: 'malformed' }
]

const formAttacks: readonly Attack[] = [
  { name: 'one segment', token: validHeader, reason: 'malformed' },
  { name: 'two segments', token: `${validHeader}.${validPayload}`, reason: 'malformed' },
  { name: 'four segments', token: `${valid}.${validSignature}`, reason: 'malformed' },
  {
    name: 'five segments, as of an encrypted token',
    token: `${encode({ alg: 'dir', enc: 'A128GCM' })}..AAAA.AAAA.AAAA`,
    reason: 'malformed'
  },
  {
    name: 'five segments, with p2c',
    token: `${encode({ alg: 'PBES2-HS256+A128KW', enc: 'A128GCM', p2c: 2 ** 31, p2s: 'AAAA' })}.AAAA.AAAA.AAAA.AAAA`,
    reason: 'malformed'
  },
  { name: 'leading dot', token: `.${valid}`, reason: 'malformed' },
  { name: 'trailing dot', token: `${valid}.`, reason: 'malformed' },
  { name: 'leading blank', token: ` ${valid}`, reason: 'malformed' },
  { name: 'nothing but dots', token: '..', reason: 'malformed' },
  { name: 'empty', token: '', reason: 'malformed' },
  { name: 'a token of another kind, with no segments', token: randomBytes(20).toString('base64url'), reason: 'malformed' },
  { name: 'in quotes', token: `"${valid}"`, reason: 'malformed' },
  { name: 'with its scheme', token: `Bearer ${valid}`, reason: 'malformed' },
  {
    name: 'JSON',
    token: JSON.stringify({ protected: validHeader, payload: validPayload, signature: validSignature }),
    reason: 'malformed'
  },
  { name: 'payload of 8 MB', token: `${validHeader}.${'A'.repeat(8_000_000)}.${validSignature}`, reason: 'too-large' },
  { name: 'header of 8 MB', token: `${'A'.repeat(8_000_000)}.${validPayload}.${validSignature}`, reason: 'too-large' },
  { name: '8 million dots', token: '.'.repeat(8_000_000), reason: 'too-large' },
  { name: '100 kB, rightly signed', token: withClaims({ ext: { a: 'a'.repeat(75_000) } }), reason: 'too-large' },
  { name: '200,000 levels', token: withPayload(nested(200_000)), reason: 'too-large' }
]

const refusedClaim = (name: string, values: readonly unknown[]): Attack[] =>
  values.map((value) => ({
    name: `${name} ${JSON.stringify(value)}`.slice(0, 60),
    token: withClaims({ [name]: value }),
    reason: 'claim',
    claim: name
  }))

const claimAttacks: readonly Attack[] = [
  { name: 'expired a second ago', token: withClaims({ exp: second - 1 }), reason: 'claim', claim: 'exp' },
  { name: 'expired a second ago, issued before', token: withClaims({ iat: second - 600, exp: second - 1 }), reason: 'expired' },
  { name: 'expires now', token: withClaims({ iat: second - 600, exp: second }), reason: 'expired' },
  ...refusedClaim('exp', [String(second + 600), null, -1, 0, true, [second + 600], {}, 1e99, second + 0.5, 2 ** 53, second]),
  { name: 'exp 1e400', token: withPayload(JSON.stringify(claims).replace(String(claims.exp), '1e400')), reason: 'payload' },
  { name: 'exp NaN', token: withPayload(JSON.stringify(claims).replace(String(claims.exp), 'NaN')), reason: 'payload' },
  { name: 'lives longer than tokens may', token: withClaims({ exp: second + 86_401 }), reason: 'too-old' },
  { name: 'never expires', token: withClaims({ exp: Number.MAX_SAFE_INTEGER }), reason: 'too-old' },
  { name: 'issued longer ago than tokens live', token: withClaims({ iat: second - 86_401, exp: second + 600 }), reason: 'too-old' },
  { name: 'not to be accepted yet', token: withClaims({ nbf: second + 1 }), reason: 'not-yet' },
  { name: 'issued in the future', token: withClaims({ iat: second + 61 }), reason: 'not-yet' },
  ...refusedClaim('nbf', [String(second), null, -1, second - 0.5]),
  ...refusedClaim('iat', [String(second), null, -1, second - 0.5]),
  ...['exp', 'iat', 'nbf', 'sub', 'jti', 'csrf'].map((name): Attack => ({
    name: `without ${name}`,
    token: withClaims({ [name]: undefined }),
    reason: 'claim',
    claim: name
  })),
  { name: 'without iss', token: withClaims({ iss: undefined }), reason: 'iss' },
  { name: 'without aud', token: withClaims({ aud: undefined }), reason: 'aud' },
  ...[
    null,
    'https://evil.example',
    'https://EXAMPLE.com',
    'https://example.com/',
    'https://example.co',
    [issuer],
    { 0: issuer },
    1
  ].flatMap((value): Attack[] => [
    { name: `iss ${JSON.stringify(value)}`, token: withClaims({ iss: value }), reason: 'iss' },
    { name: `aud ${JSON.stringify(value)}`, token: withClaims({ aud: value }), reason: 'aud' }
  ]),
  { name: 'aud is a list with us and others', token: withClaims({ aud: ['https://other.example', issuer] }), reason: 'aud' },
  { name: 'aud is a list in a list', token: withClaims({ aud: [[issuer]] }), reason: 'aud' },
  {
    name: 'of another service that has the same key',
    token: withClaims({ aud: 'https://reports.example', sub: 'bob', ext: { mask: 255 } }),
    reason: 'aud'
  },
  ...refusedClaim('sub', [1, null, '', {}, ['ann'], true, 'a'.repeat(513), 'ann\n', 'ann\0', '\u0085']),
  ...refusedClaim('jti', [1, null, '']),
  ...refusedClaim('csrf', ['0123456789ABCDEF', '0123456789abcde', '0123456789abcdef0', '', null, 1, ['0123456789abcdef']]),
  ...refusedClaim('sid', [1, null, '']),
  ...refusedClaim('auth_time', ['1', -1, 1.5, null]),
  ...refusedClaim('ext', [null, [], 'x', 1, true]),
  { name: 'ext against its schema', token: withClaims({ ext: { role: 'admin' } }), reason: 'ext' },
  { name: 'ext larger than allowed', token: withClaims({ ext: { a: 'a'.repeat(2048) } }), reason: 'ext' },
  { name: 'sub with half a surrogate pair', token: withClaims({ sub: '\uD800' }), reason: 'payload' },
  { name: 'ext with half a surrogate pair', token: withClaims({ ext: { a: ['\uDC00'] } }), reason: 'payload' },
  { name: 'ext with half a surrogate pair in a name', token: withClaims({ ext: { '\uD800': 1 } }), reason: 'payload' }
]

const payloadAttacks: readonly Attack[] = [
  { name: 'sub given twice', token: withPayload(claimsAnd(',"sub":"root"')), reason: 'payload' },
  { name: 'exp given twice', token: withPayload(claimsAnd(`,"exp":${second + 60}`)), reason: 'payload' },
  { name: 'sub given twice, once with an escape', token: withPayload(claimsAnd(',"s\\u0075b":"root"')), reason: 'payload' },
  { name: 'a member of ext given twice', token: withPayload(claimsAnd(',"ext":{"a":{"b":1,"b":2}}')), reason: 'payload' },
  { name: 'a member given twice within a list', token: withPayload(claimsAnd(',"x":[[{"b":1,"b":2}]]')), reason: 'payload' },
  { name: '__proto__', token: withPayload(claimsAnd(',"__proto__":{"sub":"root"}')), reason: 'payload' },
  { name: '__proto__ with an escape', token: withPayload(claimsAnd(',"__pr\\u006fto__":{"sub":"root"}')), reason: 'payload' },
  { name: '__proto__ in ext', token: withPayload(claimsAnd(',"ext":{"__proto__":{"role":"editor"}}')), reason: 'payload' },
  { name: 'no payload', token: withPayload(''), reason: 'malformed' },
  { name: 'claims within another member', token: withPayload(JSON.stringify({ claims })), reason: 'iss' },
  ...[
    '[]',
    'null',
    '"ann"',
    '1',
    'x',
    `[${JSON.stringify(claims)}]`,
    `${JSON.stringify(claims)}x`,
    `${JSON.stringify(claims)}{}`,
    `\uFEFF${JSON.stringify(claims)}`,
    claimsAnd(','),
    claimsAnd('/**/')
  ].map((text): Attack => ({
    name: `payload ${text.replace(JSON.stringify(claims), '{…}').slice(-20)}`,
    token: withPayload(text),
    reason: 'payload'
  })),
  { name: 'payload in UTF-16', token: withPayload(Buffer.from(JSON.stringify(claims), 'utf16le')), reason: 'payload' },
  { name: 'payload in Latin-1', token: withPayload(Buffer.from(JSON.stringify({ ...claims, sub: 'andré' }), 'latin1')), reason: 'payload' },
  {
    name: 'payload with an overlong letter',
    token: withPayload(Buffer.concat([Buffer.from('{"sub":"'), Buffer.from([0xc0, 0xae]), Buffer.from('"}')])),
    reason: 'payload'
  },
  {
    name: 'payload with half a surrogate pair in its bytes',
    token: withPayload(Buffer.concat([Buffer.from('{"sub":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')])),
    reason: 'payload'
  },
  { name: '300 levels', token: withPayload(claimsAnd(`,"ext":${nested(300)}`)), reason: 'payload' }
]

const options = (keys: KeyRing): VerifyOptions => ({ keys, iss: issuer, aud: issuer, now: clock.now, ext: { schema } })

interface Site {
  readonly app: FastifyInstance
  /** What the log said about tokens. */
  readonly reasons: string[]
}

async function startLoggedSite(keys: KeyRing, alg: JwsAlgorithm, now = clock.now): Promise<Site> {
  const reasons: string[] = []
  const write = (line: string) => {
    const { jwt } = JSON.parse(line) as { jwt?: string }
    if (jwt !== undefined) reasons.push(jwt)
  }
  const app = Fastify({ logger: { level: 'info', stream: { write } } })
  // As fastify-gs would have it.
  app.addHook('onRequest', async (request) => {
    const id = request.headers['x-account']
    if (id !== undefined) Object.assign(request, { gs: { account: { id, username: id, email: null } } })
  })
  await app.register(fastifyGsJwt, { keys, alg, iss: issuer, aud: issuer, cookieName: 'session', now, ext: { schema } })
  app.get('/members', { onRequest: app.requireJwt() }, ({ jwt }) => jwt!.sub)
  app.post('/act', { onRequest: app.requireJwt({ csrf: true }) }, ({ jwt }) => jwt!.sub)
  return { app, reasons }
}

const cookieOf = (token: string) => `__Host-session=${token}`

let sites: { readonly asymmetric: Site; readonly symmetric: Site }
before(async () => {
  sites = { asymmetric: await startLoggedSite(asymmetric, 'ES256'), symmetric: await startLoggedSite(symmetric, 'HS256') }
})
after(async () => {
  await Promise.all([sites.asymmetric.app.close(), sites.symmetric.app.close()])
})

/** What everybody is told who has no token. */
async function expectRefusal({ app, reasons }: Site, headers: Record<string, string>, reason: string): Promise<void> {
  const nobody = await app.inject('/members')
  reasons.length = 0
  const answer = await app.inject({ url: '/members', headers })
  assert.equal(answer.statusCode, 401)
  assert.equal(answer.body, nobody.body)
  assert.deepEqual(Object.keys(answer.headers), Object.keys(nobody.headers))
  assert.deepEqual(reasons, reason === 'expired' || reason === 'absent' ? [] : [reason])
}

test('the token from which the attacks are made is accepted', async () => {
  for (const [token, keys, site] of [
    [valid, asymmetric, sites.asymmetric],
    [validHs, symmetric, sites.symmetric]
  ] as const) {
    const result = await verifyJwt(token, options(keys))
    assert.ok(result.ok)
    assert.deepEqual({ ...result.jwt.claims }, claims)
    assert.equal((await site.app.inject({ url: '/members', headers: { cookie: cookieOf(token) } })).body, 'ann')
  }
})

const groups = {
  'algorithm and key': algorithmAttacks,
  header: headerAttacks,
  signature: signatureAttacks,
  form: formAttacks,
  claims: claimAttacks,
  payload: payloadAttacks
}

for (const [group, attacks] of Object.entries(groups)) {
  describe(`refused: ${group}`, () => {
    for (const { name, token, reason, claim, hs } of attacks) {
      test(name, async () => {
        const keys = hs ? symmetric : asymmetric
        const site = hs ? sites.symmetric : sites.asymmetric
        keys.asked = 0
        assert.deepEqual(await verifyJwt(token, options(keys)), { ok: false, reason, ...(claim !== undefined && { claim }) })
        await expectRefusal(site, { cookie: cookieOf(token) }, reason)
        // No key is looked for as long as the text is none of a token: neither from the ring nor from elsewhere.
        assert.equal(keys.asked, ['malformed', 'too-large', 'header'].includes(reason) ? 0 : 2)
        assert.equal(connections, 0)
      })
    }
  })
}

test('a token that is no text is refused', async () => {
  for (const token of [undefined, null, 1, {}, [valid], Buffer.from(valid), { toString: () => valid }]) {
    assert.deepEqual(await verifyJwt(token as unknown as string, options(asymmetric)), { ok: false, reason: 'malformed' })
  }
})

test('a token of which any character is another one is refused', async () => {
  for (const [index, character] of [...valid].entries()) {
    const changed = `${valid.slice(0, index)}${character === 'A' ? 'B' : 'A'}${valid.slice(index + 1)}`
    const result = await verifyJwt(changed, options(asymmetric))
    assert.equal(result.ok, false, `character ${index}`)
  }
})

test('nothing is said about the claims of a token that nobody here has signed', async () => {
  for (const given of [{ exp: second - 1 }, { iss: 'https://evil.example' }, { sub: 1 }]) {
    const token = forge(header, { ...claims, ...given }, rawSigner('ES256', stranger))
    assert.deepEqual(await verifyJwt(token, options(asymmetric)), { ok: false, reason: 'signature' })
  }
})

test('members that nobody asked for are not taken over', async () => {
  const result = await verifyJwt(withClaims({ constructor: { prototype: {} }, admin: true, toJSON: 1 }), options(asymmetric))
  assert.ok(result.ok)
  assert.deepEqual({ ...result.jwt.claims }, claims)
})

test('what is no __proto__ but only says so, is a value', async () => {
  const ext = { note: '__proto__', x__proto__: 1 }
  const result = await verifyJwt(withClaims({ ext }), options(asymmetric))
  assert.ok(result.ok)
  assert.deepEqual(result.jwt.claims.ext, ext)
})

describe('cookies', () => {
  const cases: readonly (readonly [name: string, cookie: string, reason: string])[] = [
    ['two of the same name', `${cookieOf(valid)}; ${cookieOf(valid)}`, 'twice'],
    ['two, the first one of a stranger', `${cookieOf(withHeader({}, rawSigner('ES256', stranger)))}; a=b; ${cookieOf(valid)}`, 'twice'],
    ['without its prefix', `session=${valid}`, 'absent'],
    ['with the prefix __Secure-', `__Secure-session=${valid}`, 'absent'],
    ['with the prefix in other letters', `__host-session=${valid}`, 'absent'],
    ['in quotes', `__Host-session="${valid}"`, 'malformed'],
    ['of 9 KB', cookieOf('A'.repeat(9000)), 'too-large']
  ]
  for (const [name, cookie, reason] of cases) {
    test(`${name}: refused`, () => expectRefusal(sites.asymmetric, { cookie }, reason))
  }

  test('a token of Ann beside a session of Bob: refused', async () => {
    await expectRefusal(sites.asymmetric, { cookie: cookieOf(valid), 'x-account': 'bob' }, 'ambiguous')
    const { body } = await sites.asymmetric.app.inject({ url: '/members', headers: { cookie: cookieOf(valid), 'x-account': 'ann' } })
    assert.equal(body, 'ann')
  })

  test('a token in Authorization is not looked at unless the application has said so', () =>
    expectRefusal(sites.asymmetric, { authorization: `Bearer ${valid}` }, 'absent'))
})

describe('replay', () => {
  async function fresh(sub: string) {
    const { token, claims } = await sites.asymmetric.app.jwtCookie.sign({ sub })
    assert.equal((await sites.asymmetric.app.inject({ url: '/members', headers: { cookie: cookieOf(token) } })).body, sub)
    return { token, claims }
  }

  test('of a token that was denied: refused, also in its other spelling', async () => {
    const { token, claims } = await fresh('carol')
    await sites.asymmetric.app.jwtCookie.deny({ jti: claims.jti })
    await expectRefusal(sites.asymmetric, { cookie: cookieOf(token) }, 'denied')
    const [head, payload, signature] = token.split('.') as [string, string, string]
    const bytes = Buffer.from(signature, 'base64url')
    const twin = Buffer.concat([bytes.subarray(0, 32), scalar(n - BigInt(`0x${bytes.subarray(32).toString('hex')}`))]).toString('base64url')
    assert.notEqual(twin, signature)
    assert.ok((await verifyJwt(`${head}.${payload}.${twin}`, options(asymmetric))).ok, 'a right signature by definition of ECDSA')
    await expectRefusal(sites.asymmetric, { cookie: cookieOf(`${head}.${payload}.${twin}`) }, 'denied')
  })

  test('of any token of a subject, after its password was changed: refused; a new login is accepted', async () => {
    const first = await fresh('dave')
    const second = await fresh('dave')
    await sites.asymmetric.app.jwtCookie.deny({ sub: 'dave' })
    for (const { token } of [first, second]) await expectRefusal(sites.asymmetric, { cookie: cookieOf(token) }, 'denied')
    await fresh('dave')
  })

  test('of a token whose key has retired: refused, also where it is known', async (t) => {
    const later = new Clock()
    const keys = await loadKeys([{ jwk: main }, { jwk: second256, retireAt: later.at + 60_000 }], { alg: 'ES256', now: later.now })
    const site = await startLoggedSite(keys, 'ES256', later.now)
    t.after(() => site.app.close())
    const old = withHeader({ kid: 'second' }, rawSigner('ES256', second256))
    const accepted = async (token: string) => (await site.app.inject({ url: '/members', headers: { cookie: cookieOf(token) } })).statusCode
    assert.equal(await accepted(old), 200)
    later.forward(59)
    assert.equal(await accepted(old), 200)
    later.forward(1)
    await expectRefusal(site, { cookie: cookieOf(old) }, 'kid')
    assert.equal(await accepted(valid), 200)
  })

  test('the twin of a signature is the same token', async () => {
    const result = await verifyJwt(withSignature(twinSignature), options(asymmetric))
    assert.ok(result.ok)
    assert.equal(result.jwt.claims.jti, claims.jti)
  })
})

describe('csrf', () => {
  const { csrf } = claims
  const other = 'fedcba9876543210'
  const cases: readonly (readonly [name: string, url: string, header: string | undefined, status: number])[] = [
    ['in the header', '/act', csrf, 200],
    ['in the query', `/act?csrf=${csrf}`, undefined, 200],
    ['missing', '/act', undefined, 403],
    ['of another session', '/act', other, 403],
    ['shorter', '/act', csrf.slice(1), 403],
    ['longer', '/act', `${csrf}0`, 403],
    ['in capitals', '/act', csrf.toUpperCase(), 403],
    ['empty', '/act', '', 403],
    ['a list in the query', `/act?csrf=${csrf}&csrf=${csrf}`, undefined, 403],
    ['right in the header, wrong in the query', `/act?csrf=${other}`, csrf, 403]
  ]
  for (const [name, url, header, status] of cases) {
    test(`${name}: ${status}`, async () => {
      const headers = { cookie: cookieOf(valid), ...(header !== undefined && { 'x-jwt-csrf': header }) }
      assert.equal((await sites.asymmetric.app.inject({ method: 'POST', url, headers })).statusCode, status)
    })
  }
})

/* Best current practices for tokens; each chapter with what stands for it here. */
describe('RFC 8725', () => {
  const refuses = async (token: string, reason: JwtRefusal, given: Partial<VerifyOptions> = {}) => {
    const result = await verifyJwt(token, { ...options(asymmetric), ...given })
    assert.ok(!result.ok)
    assert.equal(result.reason, reason)
  }

  test('3.1 the algorithm is that of the key, not that of the token', async () => {
    for (const alg of ['none', 'HS256', 'ES384', 'RS256']) await refuses(withHeader({ alg }), 'alg')
  })

  test('3.2 no algorithm without signature, no RSA key that is too short', async () => {
    await refuses(withHeader({ alg: 'none' }), 'alg')
    const short = generateKeyPairSync('rsa', { modulusLength: 1024 })
    const jwk = { ...short.privateKey.export({ format: 'jwk' }), alg: 'RS256', kid: 'short' } as JWK
    const key = await importJWK({ kty: 'RSA', n: jwk.n!, e: jwk.e! }, 'RS256')
    const keys: KeyRing = {
      algorithms: ['RS256'],
      find: () => ({ kid: 'short', alg: 'RS256', key, validUntil: Infinity }),
      signing: () => null,
      publicKeys: () => []
    }
    await refuses(withHeader({ alg: 'RS256', kid: 'short' }, rawSigner('RS256', jwk)), 'signature', { keys })
    await assert.rejects(loadKeys({ jwk }, { alg: 'RS256' }), { name: 'JwtKeyError' })
  })

  test('3.3 nothing is taken on trust from a token within a token', () =>
    refuses(forge({ ...header, cty: 'JWT' }, valid, byMain), 'header'))

  test('3.4 a public key that is no point of its curve is no key', async () => {
    const jwk = { ...publicPart(main), x: Buffer.alloc(32, 1).toString('base64url') } as JWK
    await assert.rejects(loadKeys({ jwk }, { alg: 'ES256' }))
  })

  test('3.5 a secret has as many bits as the hash', async () => {
    for (const [alg, bytes] of [
      ['HS256', 31],
      ['HS384', 47],
      ['HS512', 63]
    ] as const) {
      const short: JWK = { kty: 'oct', k: randomBytes(bytes).toString('base64url') }
      await assert.rejects(loadKeys({ jwk: short }, { alg }), { name: 'JwtKeyError' })
    }
  })

  test('3.6 nothing is decompressed', () => refuses(withHeader({ zip: 'DEF' }), 'header'))

  test('3.7 UTF-8 and nothing else', () => refuses(withPayload(Buffer.from(JSON.stringify(claims), 'utf16le')), 'payload'))

  test('3.8 issuer and subject are checked', async () => {
    await refuses(withClaims({ iss: 'https://evil.example' }), 'iss')
    await refuses(withClaims({ sub: '' }), 'claim')
  })

  test('3.9 the audience is checked', () => refuses(withClaims({ aud: 'https://other.example' }), 'aud'))

  test('3.10 what a token says about keys is not followed', async () => {
    await refuses(withHeader({ kid: "' OR 1=1--" }), 'kid')
    await refuses(withHeader({ jku: trapUrl }), 'header')
    assert.equal(connections, 0)
  })

  test('3.11 the type is explicit', () => refuses(withHeader({ typ: undefined }), 'typ'))

  test('3.12 tokens of one kind do not pass for another', async () => {
    const mail = withHeader({ typ: 'mail+jwt' })
    await refuses(mail, 'typ')
    assert.ok((await verifyJwt(mail, { ...options(asymmetric), typ: 'mail+jwt' })).ok)
    await refuses(valid, 'typ', { typ: 'mail+jwt' })
  })
})

test('nobody has connected to the address that stood in tokens', async () => {
  assert.equal(connections, 0)
  // It would have been counted.
  await (await fetch(trapUrl)).text()
  assert.equal(connections, 1)
})
