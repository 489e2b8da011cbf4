import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import Fastify from 'fastify'
import type { JWK } from 'jose'
import { fastifyGsJwt } from '../plugin.ts'
import { resolveVerifyOptions } from '../options.ts'
import { signJwt } from '../sign.ts'
import { createVerifiedCache } from '../verified-cache.ts'
import { createVerifier, verifyJwt } from '../verify.ts'
import { generateJwk } from './generate-jwk.ts'
import type { KeyRing } from './key-ring.ts'
import { loadKeys } from './load-keys.ts'
import { remoteKeys, type RemoteKeysOptions } from './remote-keys.ts'

const names = { iss: 'https://example.com', aud: 'https://example.com/shop' }
const open = ({ d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...jwk }: JWK): JWK => jwk
const [one, two, rsa]: [JWK, JWK, JWK] = [
  await generateJwk('ES256'),
  await generateJwk('ES256'),
  await generateJwk('RS256', { modulusLength: 2048 })
]
const second = 1000

/** An issuer on this machine, which answers as it is told, and counts. */
async function issuer(t: TestContext) {
  const site = {
    url: '',
    requests: 0,
    answer: undefined as RequestListener | undefined,
    publish(...keys: unknown[]) {
      site.answer = (_request, response) => void response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys }))
    }
  }
  const server = createServer((request, response) => {
    site.requests++
    site.answer!(request, response)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  site.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`
  return site
}

const find = async (keys: KeyRing, kid: string | undefined, now: number) => {
  const key = await keys.find(kid, now)
  return key === null ? null : { alg: key.alg, seconds: (key.validUntil - now) / second }
}
const unavailable = { name: 'JwtUnavailableError', code: 'GS_JWT_UNAVAILABLE' }

describe('a set', () => {
  test('is fetched when the first token comes, once for all that come, and again when its time is over', async (t) => {
    const site = await issuer(t)
    site.publish(open(one))
    const keys = remoteKeys({ url: site.url, alg: 'ES256' })
    assert.equal(site.requests, 0)
    const found = await Promise.all(Array.from({ length: 50 }, () => find(keys, one.kid, 0)))
    assert.deepEqual(new Set(found.map((key) => key?.seconds)), new Set([600]))
    assert.deepEqual(await find(keys, one.kid, 599 * second), { alg: 'ES256', seconds: 1 })
    assert.equal(site.requests, 1)
    assert.deepEqual(await find(keys, one.kid, 600 * second), { alg: 'ES256', seconds: 600 })
    assert.equal(site.requests, 2)
  })

  test('has a new key after the cooldown at the latest, and has lost an old one after the cache period at the latest', async (t) => {
    const site = await issuer(t)
    site.publish(open(one))
    const keys = remoteKeys({ url: site.url, alg: 'ES256', cacheFor: 100, cooldown: 10 })
    assert.notEqual(await find(keys, one.kid, 0), null)
    site.publish(open(two))
    assert.equal(await find(keys, two.kid, 9 * second), null)
    assert.equal(site.requests, 1)
    assert.notEqual(await find(keys, two.kid, 10 * second), null)
    assert.equal(await find(keys, one.kid, 11 * second), null)
    assert.equal(site.requests, 2)
  })

  test('that was emptied verifies nothing any more, and nothing that was verified before', async (t) => {
    const site = await issuer(t)
    site.publish(open(one))
    let at = Date.now()
    const keys = remoteKeys({ url: site.url, alg: 'ES256', cacheFor: 100 })
    const { token } = await signJwt({ sub: 'ann' }, { ...names, keys: await loadKeys({ jwk: one }, { alg: 'ES256' }) })
    const verify = createVerifier(resolveVerifyOptions({ ...names, keys, now: () => at }), createVerifiedCache(10))
    assert.equal((await verify(token)).ok, true)
    site.publish()
    at += 99 * second
    assert.equal((await verify(token)).ok, true)
    assert.equal(site.requests, 1)
    at += second
    assert.deepEqual(await verify(token), { ok: false, reason: 'kid' })
  })

  test('is asked for once per cooldown, however many unknown keys tokens name', async (t) => {
    const site = await issuer(t)
    site.publish(open(one))
    const keys = remoteKeys({ url: site.url, alg: 'ES256' })
    await find(keys, one.kid, 0)
    const storm = (now: number) => Promise.all(Array.from({ length: 500 }, (_, index) => find(keys, `kid-${now}-${index}`, now)))
    for (let now = 0; now < 90 * second; now += second) assert.ok((await storm(now)).every((key) => key === null))
    // At 30 and at 60 seconds.
    assert.equal(site.requests, 3)
  })

  test('is not asked for a token that names no key', async (t) => {
    const site = await issuer(t)
    const keys = remoteKeys({ url: site.url, alg: 'ES256' })
    assert.equal(await find(keys, undefined, 0), null)
    assert.equal(site.requests, 0)
  })

  test('is fetched anew when the clock was set back', async (t) => {
    const site = await issuer(t)
    site.publish(open(one))
    const keys = remoteKeys({ url: site.url, alg: 'ES256' })
    await find(keys, one.kid, 10_000 * second)
    site.publish(open(two))
    assert.equal(await find(keys, one.kid, 0), null)
    assert.notEqual(await find(keys, two.kid, 0), null)
    assert.equal(site.requests, 2)
  })
})

describe('of a set, what cannot be a key for these tokens is left out:', () => {
  const weak = { kty: 'RSA', n: Buffer.alloc(128, 0xff).toString('base64url'), e: 'AQAB', kid: 'k', alg: 'RS256' }
  const cases: [what: string, jwks: unknown[], alg: RemoteKeysOptions['alg']][] = [
    ['a private key', [{ ...one, kid: 'k' }], 'ES256'],
    ['half a private key', [{ ...open(rsa), p: rsa.p, kid: 'k' }], 'RS256'],
    ['a secret', [{ kty: 'oct', k: Buffer.alloc(32, 'secret').toString('base64url'), kid: 'k', alg: 'HS256' }], 'ES256'],
    ['a secret that says ES256', [{ kty: 'oct', k: Buffer.alloc(32, 'secret').toString('base64url'), kid: 'k', alg: 'ES256' }], 'ES256'],
    ['a key for another algorithm', [{ ...open(rsa), kid: 'k', alg: 'PS256' }], ['ES256', 'RS256']],
    ['a key that says it is another one', [{ ...open(one), kid: 'k', alg: 'ES384' }], ['ES256', 'ES384']],
    ['a key that may have two algorithms', [{ ...open(rsa), kid: 'k', alg: undefined }], ['PS256', 'RS256']],
    ['a key for encryption', [{ ...open(one), kid: 'k', use: 'enc' }], 'ES256'],
    ['a key that may not verify', [{ ...open(one), kid: 'k', key_ops: ['deriveKey'] }], 'ES256'],
    ['a key that is too short', [weak], 'RS256'],
    ['a point off the curve', [{ ...open(one), kid: 'k', y: one.x }], 'ES256'],
    [
      'two keys with one name',
      [
        { ...open(one), kid: 'k' },
        { ...open(two), kid: 'k' }
      ],
      'ES256'
    ],
    ['three keys with one name', [one, two, one].map((jwk) => ({ ...open(jwk), kid: 'k' })), 'ES256']
  ]
  for (const [what, jwks, alg] of cases) {
    test(what, async (t) => {
      const site = await issuer(t)
      const good = { ...open(two), kid: 'good' }
      site.publish({ kty: 'unheard of', kid: 'new' }, ...jwks, { ...good, kid: undefined }, { ...good, kid: 7 }, good)
      const keys = remoteKeys({ url: site.url, alg: Array.isArray(alg) ? [...alg, 'ES256'] : [alg as 'ES256', 'ES256'] })
      assert.equal(await find(keys, 'k', 0), null)
      assert.equal((await find(keys, 'good', 0))?.alg, 'ES256')
    })
  }

  test('what comes after a hundred keys', async (t) => {
    const site = await issuer(t)
    site.publish(...Array.from({ length: 101 }, (_, index) => ({ ...open(one), kid: `k${index}` })))
    const keys = remoteKeys({ url: site.url, alg: 'ES256' })
    assert.notEqual(await find(keys, 'k99', 0), null)
    assert.equal(await find(keys, 'k100', 0), null)
  })
})

test('a key that names no algorithm has the one that it can have', async (t) => {
  const site = await issuer(t)
  site.publish({ ...open(one), alg: undefined, use: undefined }, { ...open(rsa), alg: undefined })
  const keys = remoteKeys({ url: site.url, alg: ['ES256', 'PS384'] })
  assert.equal((await find(keys, one.kid, 0))?.alg, 'ES256')
  assert.equal((await find(keys, rsa.kid, 0))?.alg, 'PS384')
})

test('no token chooses its algorithm', async (t) => {
  const site = await issuer(t)
  site.publish(open(rsa))
  const keys = remoteKeys({ url: site.url, alg: ['RS256', 'PS256'] })
  const { alg: _alg, ...bare } = rsa
  const other = await loadKeys({ jwk: bare, kid: rsa.kid! }, { alg: 'PS256' })
  const { token } = await signJwt({ sub: 'ann' }, { ...names, keys: other })
  assert.deepEqual(await verifyJwt(token, { ...names, keys }), { ok: false, reason: 'alg' })
})

describe('nobody is let in, and no token is called wrong, when the issuer', () => {
  const end =
    (body: string, status = 200): RequestListener =>
    (_request, response) =>
      void response.writeHead(status).end(body)
  const set = JSON.stringify({ keys: [open(one)] })
  const answers: [what: string, answer: RequestListener][] = [
    ['closes the connection', (request) => void request.socket.destroy()],
    ['has a fault', end(set, 500)],
    ['has no set', end('<!doctype html><title>Not found</title>', 404)],
    ['sends garbage', end('<!doctype html><title>Log in to the wireless network</title>')],
    ['sends nothing', end('')],
    ['sends JSON that is no set', end('{"keys":"none"}')],
    ['sends a set with a text in it', end('{"keys":["key"]}')],
    ['redirects', (_request, response) => void response.writeHead(302, { location: '/elsewhere' }).end(set)],
    ['sends too much', end(`${set}${' '.repeat(300_000)}`)],
    [
      'sends without end',
      (_request, response) => {
        const more = () => {
          if (!response.destroyed) response.write(' '.repeat(65_536), more)
        }
        more()
      }
    ],
    ['does not answer', () => {}],
    ['begins to answer', (_request, response) => void response.writeHead(200).write('{')]
  ]
  for (const [what, answer] of answers) {
    test(what, async (t) => {
      const site = await issuer(t)
      site.answer = answer
      const keys = remoteKeys({ url: `${site.url}?apikey=123`, alg: 'ES256', timeout: 0.3 })
      const { token } = await signJwt({ sub: 'ann' }, { ...names, keys: await loadKeys({ jwk: one }, { alg: 'ES256' }) })
      await assert.rejects(verifyJwt(token, { ...names, keys }), { ...unavailable, message: `The keys of ${site.url} cannot be fetched.` })
      assert.equal(site.requests, 1)
    })
  }

  test('is not there', async (t) => {
    const site = await issuer(t)
    const keys = remoteKeys({ url: site.url.replace(/:\d+/, ':1'), alg: 'ES256' })
    await assert.rejects(find(keys, one.kid, 0), unavailable)
    assert.equal(site.requests, 0)
  })

  test('cannot be reached by a fetch that does not look at its signal', async () => {
    const keys = remoteKeys({ url: 'https://example.com/jwks', alg: 'ES256', timeout: 0.1, fetch: () => new Promise(() => {}) })
    // AbortSignal.timeout() keeps no process alive.
    const alive = setInterval(() => {}, 1000)
    await assert.rejects(find(keys, one.kid, 0), unavailable)
    clearInterval(alive)
  })
})

describe('while the issuer cannot be reached', () => {
  const fail: RequestListener = (_request, response) => void response.writeHead(503).end()

  test('it is asked every 5 seconds, whatever comes', async (t) => {
    const site = await issuer(t)
    site.answer = fail
    const keys = remoteKeys({ url: site.url, alg: 'ES256' })
    for (let now = 0; now < 20 * second; now += second)
      for (const kid of [one.kid, `kid-${now}`]) await assert.rejects(find(keys, kid, now), unavailable)
    assert.equal(site.requests, 4)
    site.publish(open(one))
    assert.notEqual(await find(keys, one.kid, 20 * second), null)
  })

  test('a set goes on to be used for some time, and not longer', async (t) => {
    const site = await issuer(t)
    site.publish(open(one))
    const keys = remoteKeys({ url: site.url, alg: 'ES256', cacheFor: 100, staleFor: 50 })
    await find(keys, one.kid, 0)
    site.answer = fail
    assert.deepEqual(await find(keys, one.kid, 100 * second), { alg: 'ES256', seconds: 5 })
    assert.equal(site.requests, 2)
    assert.deepEqual(await find(keys, one.kid, 104 * second), { alg: 'ES256', seconds: 1 })
    assert.deepEqual(await find(keys, one.kid, 148 * second), { alg: 'ES256', seconds: 2 })
    await assert.rejects(find(keys, one.kid, 150 * second), unavailable)
  })

  test('and no set may be used beyond its time, nobody is let in', async (t) => {
    const site = await issuer(t)
    site.publish(open(one))
    const keys = remoteKeys({ url: site.url, alg: 'ES256', cacheFor: 100, staleFor: 0 })
    await find(keys, one.kid, 0)
    site.answer = fail
    assert.notEqual(await find(keys, one.kid, 99 * second), null)
    await assert.rejects(find(keys, one.kid, 100 * second), unavailable)
  })

  test('a key that the set has not may be a new one', async (t) => {
    const site = await issuer(t)
    site.publish(open(one))
    const keys = remoteKeys({ url: site.url, alg: 'ES256', cacheFor: 100 })
    await find(keys, one.kid, 0)
    site.answer = fail
    for (const now of [30, 31, 100, 101]) {
      await assert.rejects(find(keys, two.kid, now * second), unavailable)
      assert.notEqual(await find(keys, one.kid, now * second), null)
    }
  })

  test('those who know their key do not wait for it', async () => {
    let requests = 0
    let answer: ((response: Response) => void) | undefined
    let reject: ((error: Error) => void) | undefined
    const keys = remoteKeys({
      url: 'https://example.com/jwks',
      alg: 'ES256',
      cacheFor: 100,
      timeout: 60,
      fetch: () => {
        requests++
        return new Promise((resolve, refuse) => {
          answer = resolve
          reject = refuse
        })
      }
    })
    const set = (...jwks: JWK[]) => Response.json({ keys: jwks.map(open) })
    const first = find(keys, one.kid, 0)
    answer!(set(one))
    assert.notEqual(await first, null)
    // The first one finds out.
    const waiting = find(keys, one.kid, 100 * second)
    reject!(new Error('connection refused'))
    assert.notEqual(await waiting, null)
    // From then on it is asked in the background.
    for (let now = 101; now < 130; now++) assert.notEqual(keys.find(one.kid, now * second) instanceof Promise, true)
    assert.equal(requests, 3)
    answer!(set(two))
    while (keys.find(one.kid, 130 * second) !== null) await setImmediate()
    assert.deepEqual(await find(keys, two.kid, 130 * second), { alg: 'ES256', seconds: 75 })
  })
})

describe('an option is refused:', () => {
  const url = 'https://example.com/jwks.json'
  const cases: [what: string, options: unknown, message: RegExp][] = [
    ['none', undefined, /remoteKeys\(\) needs an object with url and alg/],
    ['one that is not known', { url, alg: 'ES256', cacheMaxAge: 5 }, /the option cacheMaxAge of remoteKeys\(\) is not known/],
    ['no address', { alg: 'ES256' }, /url .* must be an address like/],
    ['plain http', { url: 'http://example.com/jwks.json', alg: 'ES256' }, /must begin with https:/],
    ['plain http of a name that looks local', { url: 'http://127.0.0.1.example.com/', alg: 'ES256' }, /must begin with https:/],
    ['a file', { url: 'file:///etc/keys.json', alg: 'ES256' }, /must begin with https:/],
    ['a password', { url: 'https://ann:x@example.com/', alg: 'ES256' }, /must not have a user name or a password/],
    ['no algorithm', { url }, /alg of remoteKeys\(\) must be one or several of RS256/],
    ['an empty list of algorithms', { url, alg: [] }, /alg of remoteKeys\(\) must be one or several/],
    ['a secret algorithm', { url, alg: ['ES256', 'HS256'] }, /alg of remoteKeys\(\) must be one or several/],
    ['an unknown algorithm', { url, alg: 'none' }, /alg of remoteKeys\(\) must be one or several/],
    ['a period that is none', { url, alg: 'ES256', cacheFor: '10m' }, /cacheFor of remoteKeys\(\) must be 1 to 86400 seconds/],
    ['a period without end', { url, alg: 'ES256', staleFor: Infinity }, /staleFor of remoteKeys\(\) must be 0 to 86400 seconds/],
    [
      'a cooldown longer than the cache',
      { url, alg: 'ES256', cacheFor: 10, cooldown: 20 },
      /cooldown of remoteKeys\(\) must be 1 to 10 seconds/
    ],
    ['no time at all', { url, alg: 'ES256', timeout: 0 }, /timeout of remoteKeys\(\) must be/],
    ['a fetch that is none', { url, alg: 'ES256', fetch: true }, /fetch of remoteKeys\(\) must be a function/]
  ]
  for (const [what, options, message] of cases) {
    test(what, () => {
      assert.throws(
        () => remoteKeys(options as RemoteKeysOptions),
        (error: Error) => error.name === 'JwtOptionError' && message.test(error.message)
      )
    })
  }

  test('this machine may be plain http', () => {
    for (const host of ['localhost:1', '127.0.0.1', '127.1.2.3', '[::1]']) remoteKeys({ url: new URL(`http://${host}/`), alg: 'ES256' })
  })
})

describe('a service that verifies the tokens of another', () => {
  const options = { ...names, alg: 'ES256', cookieName: 'session', secure: false } as const
  async function services(t: TestContext) {
    const issuing = Fastify()
    await issuing.register(fastifyGsJwt, { ...options, keys: [{ jwk: one }, { jwk: two }] })
    issuing.post('/login', async (_request, reply) => void (await issuing.jwtCookie.set(reply, { sub: 'ann' })))
    const address = await issuing.listen({ host: '127.0.0.1', port: 0 })
    t.after(() => issuing.close())
    const verifying = Fastify()
    await verifying.register(fastifyGsJwt, { ...options, keys: remoteKeys({ url: `${address}/.well-known/jwks.json`, alg: 'ES256' }) })
    verifying.get('/', { onRequest: verifying.requireJwt() }, ({ jwt }) => jwt!.sub)
    t.after(() => verifying.close())
    const login = await issuing.inject({ method: 'POST', url: '/login' })
    const headers = { cookie: login.cookies.map(({ name, value }) => `${name}=${value}`).join() }
    return { issuing, verifying, headers }
  }

  test('lets its bearers in, and publishes no keys itself', async (t) => {
    const { headers, issuing, verifying } = await services(t)
    assert.equal((await verifying.inject({ url: '/', headers })).body, 'ann')
    assert.equal((await verifying.inject('/.well-known/jwks.json')).statusCode, 404)
    const published = await issuing.inject('/.well-known/jwks.json')
    assert.match(String(published.headers['content-type']), /^application\/jwk-set\+json/)
    assert.deepEqual(published.json(), { keys: [open(one), open(two)] })
  })

  test('answers 503 while it cannot know', async (t) => {
    const { headers, issuing, verifying } = await services(t)
    await issuing.close()
    const answer = await verifying.inject({ url: '/', headers })
    assert.deepEqual([answer.statusCode, answer.json().code], [503, 'GS_JWT_UNAVAILABLE'])
  })
})
