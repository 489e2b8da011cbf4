import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { GsResult } from './api-errors.ts'
import { createFetchWithCsrf } from './fetch-with-csrf.ts'
import type { SessionInfo } from './session-info.ts'
import type { GsState } from './session-store.ts'

function sessionWith(csrfToken: string): SessionInfo {
  return {
    username: 'alice',
    email: null,
    verified: true,
    admin: false,
    mustChangePassword: false,
    mask: 5,
    level: 10,
    sectors: [],
    ip: '127.0.0.1',
    session: 'session-1',
    expiresAt: 1_795_000_000_000,
    csrfToken
  }
}

const stateOf = (token: string | null): GsState =>
  token === null ? { status: 'loading', session: null, error: null } : { status: 'ready', session: sessionWith(token), error: null }

const forbidden = (code: string) =>
  new Response(JSON.stringify({ statusCode: 403, code, error: 'Forbidden', message: 'No.' }), {
    status: 403,
    headers: { 'content-type': 'application/json' }
  })

interface Sent {
  readonly path: string
  readonly token: string | null
  readonly init: RequestInit
}

/** @param tokens what the session has at first, and after each refresh; null: not known */
function setUp(tokens: readonly (string | null)[], answers: readonly (() => Response)[]) {
  const sent: Sent[] = []
  let refreshes = 0
  const getSnapshot = () => stateOf(tokens[Math.min(refreshes, tokens.length - 1)]!)
  const refresh = async (): Promise<GsResult<SessionInfo>> => {
    await new Promise(setImmediate)
    refreshes++
    const { session } = getSnapshot()
    return session ? { ok: true, value: session } : { ok: false, error: { code: 'GS_NETWORK', message: '' } }
  }
  const send = createFetchWithCsrf({ getSnapshot, refresh }, async (path, init) => {
    sent.push({ path, token: new Headers(init.headers).get('x-csrf-token'), init })
    return answers[Math.min(sent.length, answers.length) - 1]!()
  })
  return { send, sent, refreshes: () => refreshes, tokens: () => sent.map(({ token }) => token) }
}

const ok = () => new Response('fine')
const unauthorized = () => new Response('no', { status: 401 })

describe('fetch with the CSRF token', () => {
  test('sends it, and leaves the rest of the request as it is', async () => {
    const { send, sent, refreshes } = setUp(['one'], [ok])
    const response = await send('/msg', { method: 'PUT', headers: { 'x-mine': '1' }, body: 'text' })
    assert.equal(await response.text(), 'fine')
    const [{ path, token, init }] = sent as [Sent]
    assert.deepEqual([path, token, init.method, init.body], ['/msg', 'one', 'PUT', 'text'])
    assert.equal(new Headers(init.headers).get('x-mine'), '1')
    assert.equal(refreshes(), 0)
  })

  test('asks for the session when there is none yet, once for several requests', async () => {
    const { send, tokens, refreshes } = setUp([null, 'one'], [ok])
    await Promise.all([send('/a'), send('/b'), send('/c')])
    assert.deepEqual(tokens(), ['one', 'one', 'one'])
    assert.equal(refreshes(), 1)
  })

  test('goes without when the session cannot be asked for', async () => {
    const { send, tokens } = setUp([null], [ok])
    assert.equal((await send('/a')).status, 200)
    assert.deepEqual(tokens(), [null])
  })

  for (const [what, refused] of [
    ['401', unauthorized],
    ['403 and the code GS_CSRF', () => forbidden('GS_CSRF')]
  ] as const) {
    test(`is sent once more with the new one after ${what}`, async () => {
      const { send, sent, tokens } = setUp(['old', 'new'], [refused, ok])
      const response = await send('/msg', { method: 'POST', body: 'what was typed' })
      assert.equal(response.status, 200)
      assert.deepEqual(tokens(), ['old', 'new'])
      assert.equal(sent[1]!.init.body, 'what was typed')
    })

    test(`is not sent again after ${what} when the token is still the same`, async () => {
      const { send, tokens, refreshes } = setUp(['old', 'old'], [refused])
      const response = await send('/msg', { method: 'POST' })
      assert.equal(response.status, refused().status)
      assert.equal(await response.text(), await refused().text())
      assert.deepEqual(tokens(), ['old'])
      assert.equal(refreshes(), 1)
    })

    test(`is sent no more than twice, whatever follows ${what}`, async () => {
      const { send, tokens, refreshes } = setUp(['one', 'two', 'three', 'four'], [refused])
      assert.equal((await send('/msg')).status, refused().status)
      assert.deepEqual(tokens(), ['one', 'two'])
      assert.equal(refreshes(), 1)
    })
  }

  test('renews it once for several requests that were refused at the same time', async () => {
    const { send, tokens, refreshes } = setUp(['old', 'new'], [unauthorized, unauthorized, unauthorized, ok])
    const answers = await Promise.all([send('/a'), send('/b'), send('/c')])
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200]
    )
    assert.deepEqual(tokens(), ['old', 'old', 'old', 'new', 'new', 'new'])
    assert.equal(refreshes(), 1)
  })

  test('takes another 403 for what it is, and its body can still be read', async () => {
    const { send, tokens, refreshes } = setUp(['old', 'new'], [() => forbidden('GS_FORBIDDEN')])
    const response = await send('/msg')
    assert.equal(((await response.json()) as { code: string }).code, 'GS_FORBIDDEN')
    assert.deepEqual([tokens(), refreshes()], [['old'], 0])
  })

  test('does not fail on a 403 that breaks off', async () => {
    const broken = () =>
      new Response(new ReadableStream({ start: (controller) => controller.error(new Error('cut off')) }), {
        status: 403,
        headers: { 'content-type': 'application/json' }
      })
    const { send } = setUp(['old', 'new'], [broken])
    assert.equal((await send('/msg')).status, 403)
  })

  test('sends a body that can be read only once only once, and renews the token for the next request', async () => {
    const { send, tokens } = setUp(['old', 'new'], [unauthorized])
    const body = new Blob(['text']).stream()
    assert.equal((await send('/msg', { method: 'POST', body })).status, 401)
    assert.deepEqual(tokens(), ['old'])
    await send('/msg')
    assert.equal(tokens()[1], 'new')
  })

  test('tells no other site', async () => {
    // Scripts that nobody checks give it what they give to fetch.
    const request = new Request('https://elsewhere.test/a') as unknown as string
    for (const address of ['https://elsewhere.test/a', '//elsewhere.test/a', '/\\elsewhere.test/a', 'http://[', 'data:,a', request]) {
      const { send, tokens, refreshes } = setUp(['secret'], [unauthorized])
      assert.equal((await send(address)).status, 401)
      assert.deepEqual([tokens(), refreshes()], [[null], 0], address)
    }
  })

  test('rejects as fetch does', async () => {
    const { getSnapshot, refresh } = { getSnapshot: () => stateOf('one'), refresh: () => Promise.reject(new Error('not asked for')) }
    const send = createFetchWithCsrf({ getSnapshot, refresh }, () => Promise.reject(new TypeError('fetch failed')))
    await assert.rejects(send('/msg'), /fetch failed/)
  })
})
