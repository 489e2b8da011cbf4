import { constants, createHmac, KeyObject, sign, timingSafeEqual, verify, type webcrypto } from 'node:crypto'
import { createSigner, createVerifier, type Algorithm } from 'fast-jwt'
import { loadKeys, signJwt, verifyJwt, type JwsAlgorithm } from 'fastify-gs-jwt'
import { exportJWK, generateKeyPair, generateSecret, jwtVerify, SignJWT } from 'jose'
import { aud, iss } from './jwt-process.ts'

/** Signs the claims that all of them sign, or verifies the token that all of them verify. */
export interface Contender {
  readonly sign: () => string | Promise<string>
  /** Gives the subject. @throws it is not accepted */
  readonly verify: (token: string) => unknown
}

export interface Contenders {
  readonly token: string
  readonly 'node:crypto': Contender
  /** Null: it does not know the algorithm. */
  readonly 'fast-jwt': Contender | null
  readonly jose: Contender
  readonly 'fastify-gs-jwt': Contender
}

export async function generateKeys(alg: JwsAlgorithm) {
  if (alg.startsWith('HS')) {
    const secret: webcrypto.CryptoKey = await generateSecret(alg as 'HS256', { extractable: true })
    return { privateKey: secret, publicKey: secret, jwk: await exportJWK(secret) }
  }
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return { privateKey, publicKey, jwk: await exportJWK(privateKey) }
}

/** The same bytes signed and verified at once, in the thread of JavaScript, with as little around as there can be. */
function bare(alg: JwsAlgorithm, header: object, claims: object, privateKey: KeyObject, publicKey: KeyObject): Contender {
  const digest = /^(?:HS|RS|PS|ES)/.test(alg) ? `sha${alg.slice(2)}` : null
  const options = {
    ...(alg.startsWith('ES') && { dsaEncoding: 'ieee-p1363' as const }),
    ...(alg.startsWith('PS') && { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST })
  }
  const [signing, verifying] = [privateKey, publicKey].map((key) => ({ key, ...options })) as [{ key: KeyObject }, { key: KeyObject }]
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const decode = (text: string) => JSON.parse(Buffer.from(text, 'base64url').toString()) as Record<string, unknown>
  const mac = (input: string) => createHmac(digest!, privateKey).update(input).digest()
  const signature = alg.startsWith('HS') ? mac : (input: string) => sign(digest, Buffer.from(input), signing)
  const isRight = alg.startsWith('HS')
    ? (input: string, given: Buffer) => timingSafeEqual(mac(input), given)
    : (input: string, given: Buffer) => verify(digest, Buffer.from(input), verifying, given)
  return {
    sign() {
      const input = `${encode(header)}.${encode(claims)}`
      return `${input}.${signature(input).toString('base64url')}`
    },
    verify(token) {
      const end = token.lastIndexOf('.')
      const [head, payload] = token.split('.', 2) as [string, string]
      if (decode(head)['alg'] !== alg || !isRight(token.slice(0, end), Buffer.from(token.slice(end + 1), 'base64url'))) throw new Error(alg)
      const { iss: issuer, aud: audience, exp, sub } = decode(payload)
      if (issuer !== iss || audience !== aud || (exp as number) * 1000 <= Date.now()) throw new Error(alg)
      return sub
    }
  }
}

function fast(alg: JwsAlgorithm, header: object, claims: object, privateKey: KeyObject, publicKey: KeyObject): Contender | null {
  if (!/^(?:HS|RS|PS|ES|EdDSA)/.test(alg)) return null
  const algorithm = alg as Algorithm
  const symmetric = alg.startsWith('HS')
  const signer = createSigner({
    algorithm,
    header: { ...header, alg },
    key: symmetric ? privateKey.export() : (privateKey.export({ type: 'pkcs8', format: 'pem' }) as string)
  })
  const verifier = createVerifier({
    algorithms: [algorithm],
    allowedIss: iss,
    allowedAud: aud,
    requiredClaims: ['exp', 'nbf', 'sub', 'jti'],
    key: symmetric ? publicKey.export() : (publicKey.export({ type: 'spki', format: 'pem' }) as string)
  })
  return { sign: () => signer(claims), verify: (token) => (verifier(token) as { sub: unknown }).sub }
}

export async function createContenders(alg: JwsAlgorithm): Promise<Contenders> {
  const { privateKey, publicKey, jwk } = await generateKeys(alg)
  const keys = await loadKeys({ jwk }, { alg })
  const content = { sub: 'member-4711', ext: { authorization: 1, role: 'admin' } }
  // Those of ML-DSA are larger than a cookie.
  const options = { keys, iss, aud, maxBytes: 65_536 }
  const { token, claims } = await signJwt(content, options)
  const header = { alg, kid: keys.signing(Date.now())!.kid, typ: 'session+jwt' }
  const objects = [KeyObject.from(privateKey), KeyObject.from(publicKey)] as const
  const contenders: Contenders = {
    token,
    'node:crypto': bare(alg, header, claims, ...objects),
    'fast-jwt': fast(alg, header, claims, ...objects),
    jose: {
      sign: () => new SignJWT({ ...claims }).setProtectedHeader(header).sign(privateKey),
      async verify(given) {
        const { payload } = await jwtVerify(given, publicKey, {
          algorithms: [alg],
          issuer: iss,
          audience: aud,
          typ: 'session+jwt',
          requiredClaims: ['exp', 'nbf', 'sub', 'jti'],
          maxTokenAge: 86_400
        })
        return payload.sub
      }
    },
    'fastify-gs-jwt': {
      sign: async () => (await signJwt(content, options)).token,
      async verify(given) {
        const result = await verifyJwt(given, options)
        return result.ok ? result.jwt.claims.sub : null
      }
    }
  }
  for (const [name, contender] of Object.entries(contenders)) {
    if (typeof contender === 'string' || contender === null) continue
    const own = await (contender as Contender).sign()
    for (const each of [token, own]) {
      if (each.length !== token.length || (await (contender as Contender).verify(each)) !== content.sub)
        throw new Error(`${name} does not measure the same thing with ${alg}.`)
    }
  }
  return contenders
}
