import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, it, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import type { FastifyRequest } from 'fastify'
import { JwtUnavailableError } from '../errors.ts'
import { loadKeys, memoryDenylist, signJwt, verifyJwt, type Denylist, type KeyRing } from '../index.ts'
import { createRequestJwtFactory } from '../load-jwt.ts'
import type { Services } from '../services.ts'
import { Clock, issuer, keyFor } from '../testing/site.ts'
import { createLiveJwts, type LiveJwts, type LiveListener } from './live-jwts.ts'

/** Writes down what it is told. */
class Listener implements LiveListener {
  readonly told: string[] = []
  ended(reason: string): void {
    this.told.push(reason)
  }
  renewalDue(): void {
    this.told.push('renewal')
  }
}

interface Bench {
  readonly clock: Clock
  readonly lives: LiveJwts
  readonly warnings: unknown[]
  readonly join: (listener: LiveListener, content?: { sub?: string; expiresIn?: number }) => Promise<ReturnType<LiveJwts['join']>>
  readonly tick: (ms: number) => void
}

async function start(
  t: TestContext,
  {
    denylist = memoryDenylist(),
    find,
    maxAge = 10 ** 9,
    clockTolerance = 0
  }: { denylist?: Denylist; find?: KeyRing['find']; maxAge?: number; clockTolerance?: number } = {}
): Promise<Bench> {
  const clock = new Clock()
  const keys = await loadKeys({ jwk: await keyFor('ES256') }, { alg: 'ES256' })
  const warnings: unknown[] = []
  const services = {
    keys: { ...keys, ...(find !== undefined && { find }) },
    denylist,
    log: { warn: (...values: unknown[]) => void warnings.push(values) },
    options: { now: clock.now, maxAge, clockTolerance, liveInterval: 5 }
  } as unknown as Services
  const createRequestJwt = createRequestJwtFactory(services)
  const lives = createLiveJwts(services)
  const rules = { keys, iss: issuer, aud: issuer, maxAge: 10 ** 9, now: clock.now }
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  return {
    clock,
    lives,
    warnings,
    async join(listener, { sub = 'ann', expiresIn = 600 } = {}) {
      const signed = await signJwt({ sub, expiresIn }, rules)
      assert.ok((await verifyJwt(signed.token, rules)).ok)
      return lives.join({} as FastifyRequest, createRequestJwt(signed.token, signed), listener)
    },
    tick: (ms) => t.mock.timers.tick(ms)
  }
}

describe('a live token', () => {
  it('tells of its renewal at 85 % of its life, and of its end', async (t) => {
    const { clock, join, tick } = await start(t)
    const listener = new Listener()
    await join(listener)
    const seen: string[] = []
    for (let second = 1; second <= 700; second++) {
      clock.forward(1)
      tick(1000)
      if (listener.told.length > seen.length) seen.push(`${second} ${listener.told.at(-1)}`)
    }
    assert.deepEqual(seen, ['510 renewal', '600 expired'])
  })

  it('that lives longer than a timer can wait does not end at once', async (t) => {
    const { clock, join, tick } = await start(t)
    // Node waits 1 ms where it is asked to wait longer than that.
    const wait: (told: (value: unknown) => void, delay: number, value: unknown) => NodeJS.Timeout = globalThis.setTimeout
    const bounded = t.mock.method(globalThis, 'setTimeout', (told: (value: unknown) => void, delay: number, value: unknown) =>
      wait(told, delay > 2 ** 31 - 1 ? 1 : delay, value)
    )
    const listener = new Listener()
    const day = 86_400
    await join(listener, { expiresIn: 60 * day })
    for (let count = 1; count < 60; count++) {
      clock.forward(day)
      tick(day * 1000)
      if (count < 51) assert.deepEqual(listener.told, [])
    }
    assert.deepEqual(listener.told, ['renewal'])
    clock.forward(day)
    tick(day * 1000)
    assert.deepEqual(listener.told, ['renewal', 'expired'])
    assert.ok(bounded.mock.callCount() < 10)
  })

  it('does not end when the timer is early, because the clock was turned back', async (t) => {
    const { clock, join, tick } = await start(t)
    const listener = new Listener()
    await join(listener)
    clock.forward(-300)
    clock.forward(600)
    tick(600_000)
    assert.deepEqual(listener.told, [])
    clock.forward(300)
    tick(300_000)
    assert.equal(listener.told.at(-1), 'expired')
  })

  it('ends within liveInterval when the clock was turned forward', async (t) => {
    const { clock, join, tick } = await start(t)
    const listener = new Listener()
    await join(listener)
    clock.forward(86_400)
    tick(5000)
    assert.deepEqual(listener.told, ['expired'])
  })

  it('ends later by the tolerance, and earlier by maxAge', async (t) => {
    const tolerant = await start(t, { clockTolerance: 30 })
    const listener = new Listener()
    const live = await tolerant.join(listener)
    tolerant.clock.forward(629.999)
    assert.equal(tolerant.lives.isOn(live), true)
    tolerant.clock.forward(0.001)
    assert.equal(tolerant.lives.isOn(live), false)
    assert.deepEqual(listener.told, ['expired'])
    t.mock.timers.reset()

    const strict = await start(t, { maxAge: 100 })
    const short = await strict.join(new Listener())
    strict.clock.forward(100)
    assert.equal(strict.lives.isOn(short), false)
  })

  it('has one end, whoever asks for it', async (t) => {
    const { clock, join, lives, tick } = await start(t)
    const listener = new Listener()
    const live = await join(listener)
    clock.forward(600)
    assert.equal(lives.isOn(live), false)
    tick(600_000)
    lives.denied({ sub: 'ann', before: clock.at, until: clock.at })
    lives.close()
    assert.deepEqual(listener.told, ['expired'])
  })

  it('of which nobody is told any more tells nobody', async (t) => {
    const { clock, join, lives, tick } = await start(t)
    const listener = new Listener()
    const live = await join(listener)
    const cleared = t.mock.method(globalThis, 'clearInterval')
    lives.leave(live, listener)
    lives.leave(live, listener)
    assert.equal(cleared.mock.callCount(), 1)
    clock.forward(600)
    tick(600_000)
    lives.close()
    assert.deepEqual(listener.told, [])
  })

  it('ends at once when the server has closed', async (t) => {
    const { join, lives } = await start(t)
    lives.close()
    const listener = new Listener()
    await join(listener)
    assert.deepEqual(listener.told, ['closing'])
  })

  it('is ended by a denial that names it, and by no other', async (t) => {
    const { clock, join, lives } = await start(t)
    const [first, later, other] = [new Listener(), new Listener(), new Listener()]
    await join(first)
    const before = clock.at
    clock.forward(1)
    await join(later)
    await join(other, { sub: 'bob' })
    lives.denied({ sub: 'ann', before, until: before })
    lives.denied({ sid: 'ann', before: clock.at, until: before })
    lives.denied({ jti: 'ann', before: clock.at, until: before })
    assert.deepEqual([first.told, later.told, other.told], [['denied'], [], []])
  })
})

describe('the denylist', () => {
  it('is asked about each token once in liveInterval, and 32 times at once at most', async (t) => {
    const asked = new Map<string, number>()
    let open = 0
    let most = 0
    const answers: (() => void)[] = []
    const denylist: Denylist = {
      deny: () => undefined,
      deniedBefore({ sub }) {
        asked.set(sub!, (asked.get(sub!) ?? 0) + 1)
        most = Math.max(most, ++open)
        return new Promise((resolve) =>
          answers.push(() => {
            open--
            resolve(0)
          })
        )
      }
    }
    const { clock, join, tick } = await start(t, { denylist })
    const answerAll = async () => {
      while (answers.length > 0) {
        for (const answer of answers.splice(0)) answer()
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    for (let count = 0; count < 1200; count++) {
      await join(new Listener(), { sub: `user${count}`, expiresIn: 10_000 })
      if (count % 20 === 0) await answerAll()
    }
    await answerAll()
    asked.clear()
    most = 0
    for (let step = 0; step < 300; step++) {
      clock.forward(0.1)
      tick(100)
      await answerAll()
    }
    const counts = [...asked.values()]
    assert.equal(asked.size, 1200)
    assert.deepEqual(
      [Math.min(...counts), Math.max(...counts)].map((count) => count >= 5 && count <= 7),
      [true, true]
    )
    assert.equal(most, 32)
  })

  it('that never answers ends a token after six rounds, and is not asked again meanwhile', async (t) => {
    let asked = 0
    const denylist: Denylist = { deny: () => undefined, deniedBefore: () => new Promise(() => void asked++) }
    const { clock, join, tick } = await start(t, { denylist })
    const listener = new Listener()
    await join(listener)
    for (let second = 0; second < 40; second++) {
      clock.forward(1)
      tick(1000)
    }
    assert.deepEqual(listener.told, ['unavailable'])
    assert.equal(asked, 2)
  })

  it('that fails is told of once, and again when it fails again', async (t) => {
    let reachable = false
    const denylist: Denylist = {
      deny: () => undefined,
      deniedBefore() {
        if (reachable) return 0
        throw new JwtUnavailableError('It is not there.')
      }
    }
    const { clock, join, tick, warnings } = await start(t, { denylist })
    await join(new Listener())
    for (const is of [false, false, true, false, false]) {
      reachable = is
      clock.forward(5)
      tick(5000)
    }
    assert.equal(warnings.length, 2)
  })

  it('is not believed about a former token', async (t) => {
    const answers: ((before: number) => void)[] = []
    const denylist: Denylist = { deny: () => undefined, deniedBefore: () => new Promise((resolve) => answers.push(resolve)) }
    const { clock, join, lives } = await start(t, { denylist })
    const listener = new Listener()
    const live = await join(listener)
    clock.forward(1)
    const next = await join(new Listener(), { expiresIn: 700 })
    lives.replace(live, next.jwt)
    answers[0]!(clock.at)
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(listener.told, [])
  })
})

describe('the key of a live token', () => {
  it('may be elsewhere, and ends the token when it is gone', async (t) => {
    const keys = await loadKeys({ jwk: await keyFor('ES256') }, { alg: 'ES256' })
    let gone = false
    const { clock, join, tick } = await start(t, { find: async (kid, now) => (gone ? null : keys.find(kid, now)) })
    const listener = new Listener()
    await join(listener)
    const round = async () => {
      clock.forward(5)
      tick(5000)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await round()
    assert.deepEqual(listener.told, [])
    gone = true
    await round()
    assert.deepEqual(listener.told, ['denied'])
  })

  it('ends the token when another kind of key has taken its name', async (t) => {
    const keys = await loadKeys({ jwk: await keyFor('ES256') }, { alg: 'ES256' })
    let alg: 'ES256' | 'ES384' = 'ES256'
    const find: KeyRing['find'] = async (kid, now) => ({ ...(await keys.find(kid, now))!, alg })
    const { clock, join, tick } = await start(t, { find })
    const listener = new Listener()
    await join(listener)
    for (const next of ['ES256', 'ES384'] as const) {
      assert.deepEqual(listener.told, [])
      alg = next
      clock.forward(5)
      tick(5000)
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.deepEqual(listener.told, ['denied'])
  })
})

it('neither a live token nor its timers keep a process', async () => {
  const code = `
    import Fastify from 'fastify'
    import { generateKeyPair, exportJWK } from 'jose'
    import fastifyGsJwt from '${new URL('../index.ts', import.meta.url).href}'
    const app = Fastify()
    const { privateKey } = await generateKeyPair('ES256', { extractable: true })
    await app.register(fastifyGsJwt, { keys: { jwk: await exportJWK(privateKey) }, alg: 'ES256', iss: 'a', aud: 'a', cookieName: 'session' })
    app.get('/', (request) => void app.jwtCookie.watch(request, () => console.log('told')) ?? 'watched')
    const { token } = await app.jwtCookie.sign({ sub: 'ann' })
    console.log((await app.inject({ url: '/', headers: { cookie: '__Host-session=' + token } })).body)
  `
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', code], {
    cwd: import.meta.dirname,
    timeout: 20_000
  })
  assert.equal(stdout, 'watched\n')
})
