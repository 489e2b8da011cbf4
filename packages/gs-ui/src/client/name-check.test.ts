import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import type { GsResult } from './api-errors.ts'
import { createNameCheck, type NameCheckState } from './name-check.ts'

type Answer = GsResult<{ available: boolean }>

function setUp(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const questions: { username: string; signal: AbortSignal; answer: (result: Answer) => Promise<void> }[] = []
  const states: NameCheckState[] = []
  const check = createNameCheck({
    ask: (username, { signal }) => {
      const { promise, resolve } = Promise.withResolvers<Answer>()
      const answer = async (result: Answer): Promise<void> => {
        resolve(result)
        await promise
        // The check continues in the microtasks after this one.
        await new Promise(setImmediate)
      }
      questions.push({ username, signal, answer })
      return promise
    },
    onChange: (state) => states.push(state),
    delay: 300
  })
  return { check, questions, states, rest: (ms: number) => t.mock.timers.tick(ms) }
}

const free: Answer = { ok: true, value: { available: true } }
const taken: Answer = { ok: true, value: { available: false } }
const refused = (code: string): Answer => ({ ok: false, error: { code, message: 'A user name has at least 2 characters.' } })

describe('createNameCheck', () => {
  test('asks once typing rests', async (t) => {
    const { check, questions, states, rest } = setUp(t)
    for (const typed of ['a', 'al', 'ali']) {
      check.update(typed)
      rest(299)
    }
    assert.equal(questions.length, 0)
    rest(1)
    assert.deepEqual(
      questions.map(({ username }) => username),
      ['ali']
    )
    await questions[0]!.answer(taken)
    assert.deepEqual(states.at(-1), { state: 'taken' })
  })

  test('never shows the answer to an older question', async (t) => {
    const { check, questions, states, rest } = setUp(t)
    check.update('alice')
    rest(300)
    check.update('alice2')
    assert.ok(questions[0]!.signal.aborted)
    rest(300)
    await questions[1]!.answer(free)
    await questions[0]!.answer(taken)
    assert.deepEqual(states.at(-1), { state: 'available' })
  })

  test('knows nothing while typing goes on', async (t) => {
    const { check, questions, states, rest } = setUp(t)
    check.update('alice')
    rest(300)
    await questions[0]!.answer(taken)
    check.update('alice2')
    assert.deepEqual(states.at(-1), { state: 'unknown' })
  })

  test('does not ask about an empty field', (t) => {
    const { check, questions, rest } = setUp(t)
    check.update('a')
    check.update('  ')
    rest(1000)
    assert.equal(questions.length, 0)
  })

  test('passes on why a name cannot be used, and keeps quiet about other failures', async (t) => {
    const { check, questions, states, rest } = setUp(t)
    check.update('a')
    rest(300)
    await questions[0]!.answer(refused('GS_USERNAME_INVALID'))
    assert.deepEqual(states.at(-1), {
      state: 'invalid',
      failure: { code: 'GS_USERNAME_INVALID', message: 'A user name has at least 2 characters.' }
    })
    check.update('ab')
    rest(300)
    await questions[1]!.answer(refused('GS_TOO_MANY_ATTEMPTS'))
    assert.deepEqual(states.at(-1), { state: 'unknown' })
  })

  test('says nothing after it was disposed of', async (t) => {
    const { check, questions, states, rest } = setUp(t)
    check.update('alice')
    rest(300)
    const said = states.length
    check.dispose()
    await questions[0]!.answer(taken)
    assert.equal(states.length, said)
  })
})
