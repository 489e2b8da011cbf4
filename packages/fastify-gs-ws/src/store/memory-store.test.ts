import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { memoryStore, WsOptionError, WsUnavailableError } from '../index.ts'
import { minute, session, t0 } from '../testing/sessions.ts'

const saved = (data: string, now = t0) => ({ data, links: '{}', now })

describe('memoryStore(), bounded', () => {
  it('refuses sessions beyond max, gives up none that is alive, and has room again for what is over or ended', async () => {
    const store = memoryStore({ max: 3 })
    for (const id of ['a', 'b', 'c']) await store.create(session(id, { idleUntil: t0 + (id === 'b' ? 10 : minute) }))
    const full = (error: unknown) =>
      error instanceof WsUnavailableError && /memoryStore\(\) is full \(3 sessions, .* give it a larger max/.test(error.message)
    await assert.rejects(store.create(session('d', { firstVisit: t0 + 9 })), full)
    for (const id of ['a', 'b', 'c']) assert.notEqual(await store.find(id, t0), null)
    assert.equal(await store.save('a', 1, saved('{"n":1}')), 2)
    await store.create(session('d', { firstVisit: t0 + 10 }))
    assert.equal(await store.find('b', t0), null)
    await assert.rejects(store.create(session('e')), full)
    await store.end({ id: 'd' })
    await store.create(session('e'))
    await store.end('all')
    for (const id of ['a', 'b', 'c']) await store.create(session(id))
    await assert.rejects(store.create(session('d')), full)
    await store.extend(new Map([['a', t0 + 3 * 60 * minute]]))
    // All but the one that was put off.
    await store.create(session('d', { firstVisit: t0 + 60 * minute, idleUntil: t0 + 120 * minute }))
    assert.deepEqual(
      (await store.list({ now: t0 + 61 * minute, limit: 10 })).sessions.map(({ id }) => id),
      ['d', 'a']
    )
  })

  it('refuses more bytes than maxBytes, counts what is replaced and removed, and takes less at any time', async () => {
    const store = memoryStore({ maxBytes: 1000 })
    const text = (bytes: number) => JSON.stringify('x'.repeat(bytes - 2))
    await store.create(session('a', { data: text(494), links: '{}', fromClient: '1234' }))
    await store.create(session('b', { data: text(498), idleUntil: t0 + 10 }))
    await assert.rejects(store.create(session('c')), WsUnavailableError)
    await assert.rejects(store.save('a', 1, saved(text(495))), WsUnavailableError)
    // In UTF-8.
    await assert.rejects(store.save('a', 1, saved(`"${'ü'.repeat(300)}"`)), WsUnavailableError)
    assert.equal((await store.find('a', t0))?.data, text(494))
    assert.equal(await store.save('a', 1, saved(text(494))), 2)
    assert.equal(await store.save('b', 1, saved(text(100))), 2)
    assert.equal(await store.save('a', 2, saved(text(892))), 3)
    await assert.rejects(store.save('a', 3, saved(text(893))), WsUnavailableError)
    assert.equal(await store.save('a', 3, saved(text(994), t0 + 10)), 4)
    assert.equal(await store.find('b', t0), null)
    await store.end({ id: 'a' })
    await store.create(session('d', { data: text(998) }))
    await store.end('all')
    await store.create(session('e', { data: text(998) }))
  })

  it('gives what nobody can change behind its back', async () => {
    const store = memoryStore()
    const given = session('a')
    await store.create(given)
    ;(given as { data: string }).data = '"changed"'
    const found = (await store.find('a', t0))!
    assert.equal(found.data, '{}')
    assert.throws(() => {
      ;(found as { data: string }).data = '"changed"'
    }, TypeError)
  })

  it('never has anything of other processes', async () => {
    const store = memoryStore()
    await store.create(session('a'))
    await store.save('a', 1, saved('1'))
    assert.deepEqual(await store.changes(new Map([['a', 1]])), [])
  })

  it('refuses options that are none', () => {
    for (const wrong of [0, -1, 1.5, Number.NaN, Infinity, '5'])
      for (const name of ['max', 'maxBytes']) assert.throws(() => memoryStore({ [name]: wrong }), WsOptionError, `${name}: ${wrong}`)
  })
})
