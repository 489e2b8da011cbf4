import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { createSessionIds, isSessionId } from './session-ids.ts'
import { memoryStore } from './store/memory-store.ts'

describe('isSessionId()', () => {
  for (const id of [1, 0, -3, 2 ** 53 - 1, '1', 'a', 'é', '💡', ' ', '__proto__', 'x'.repeat(128)])
    it(`takes ${JSON.stringify(id).slice(0, 20)}`, () => assert.equal(isSessionId(id), true))
  for (const id of [
    1.5,
    2 ** 53,
    Number.NaN,
    Infinity,
    '',
    'x'.repeat(129),
    'a\0',
    '\n',
    '\u0085',
    '\ud800',
    null,
    undefined,
    true,
    [],
    ['a'],
    {},
    1n
  ])
    it(`refuses ${inspect(id).slice(0, 20)}`, () => assert.equal(isSessionId(id), false))
})

describe('createSessionIds()', () => {
  it('gives 22 characters that nobody guesses (W12)', async () => {
    const next = createSessionIds('random', memoryStore())
    const ids = await Promise.all(Array.from({ length: 1000 }, next))
    assert.equal(new Set(ids).size, 1000)
    for (const id of ids) assert.match(String(id), /^[\w-]{22}$/)
  })

  it('counts in the store', async () => {
    const store = memoryStore()
    assert.deepEqual(await Promise.all([createSessionIds('sequence', store)(), createSessionIds('sequence', store)()]), [1, 2])
  })

  it('asks a function, which may wait', async () => {
    assert.equal(await createSessionIds(async () => 'mine', memoryStore())(), 'mine')
    assert.equal(await createSessionIds(() => 7, memoryStore())(), 7)
  })

  for (const [given, names] of [
    ['', /a text that is empty/],
    ['x'.repeat(129), /too long/],
    [null, /a value of type object/],
    [1.5, /a value of type number/]
  ] as const)
    it(`refuses ${JSON.stringify(given)?.slice(0, 10)} of a function, by the name of the option`, async () => {
      const next = createSessionIds((() => given) as () => string, memoryStore())
      await assert.rejects(
        next(),
        (error: Error) => error instanceof TypeError && /options\.ids/.test(error.message) && names.test(error.message)
      )
    })
})
