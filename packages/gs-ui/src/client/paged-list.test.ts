import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { describe, test } from 'node:test'
import type { GsResult } from './api-errors.ts'
import { PagedList, type PagedState } from './paged-list.ts'

interface NamePage {
  readonly names: readonly string[]
  readonly next: string | null
}

/** A list whose questions are answered by hand. */
function setUp() {
  const states: PagedState<string, NamePage>[] = []
  const list = new PagedList(
    ({ names }: NamePage) => names,
    (state) => states.push(state)
  )
  const asked: { readonly after: string | null; readonly answer: (result: GsResult<NamePage>) => Promise<void> }[] = []
  const load = (after: string | null) => {
    const { promise, resolve } = Promise.withResolvers<GsResult<NamePage>>()
    const answer = async (result: GsResult<NamePage>) => {
      resolve(result)
      await setImmediate()
    }
    asked.push({ after, answer })
    return promise
  }
  const page = (names: string[], next: string | null = null): GsResult<NamePage> => ({ ok: true, value: { names, next } })
  return { list, states, asked, load, page }
}

const failure = { code: 'GS_NETWORK', message: 'No answer.' }

describe('a list that comes page by page', () => {
  test('puts the next page behind what is there, until there is none', async () => {
    const { list, asked, load, page } = setUp()
    assert.deepEqual(list.state, { entries: null, page: null, busy: true, failure: null })
    list.start(load)
    await asked[0]!.answer(page(['a', 'b'], 'b'))
    assert.deepEqual(list.state.entries, ['a', 'b'])
    list.showMore()
    list.showMore()
    assert.deepEqual(
      asked.map(({ after }) => after),
      [null, 'b']
    )
    assert.equal(list.state.busy, true)
    await asked[1]!.answer(page(['c']))
    assert.deepEqual([list.state.entries, list.state.busy], [['a', 'b', 'c'], false])
    list.showMore()
    assert.equal(asked.length, 2)
  })

  test('is refreshed as far as it is shown, without being busy', async () => {
    const { list, states, asked, load, page } = setUp()
    await list.refresh()
    list.start(load)
    await list.refresh()
    await asked[0]!.answer(page(['a', 'b'], 'b'))
    list.showMore()
    await asked[1]!.answer(page(['c'], 'c'))
    const told: (readonly string[])[] = []
    const refreshed = list.refresh((entries) => told.push(entries))
    const before = states.length
    await asked[2]!.answer(page(['new', 'a'], 'a'))
    await asked[3]!.answer(page(['c'], 'c'))
    await refreshed
    assert.deepEqual(
      asked.map(({ after }) => after),
      [null, 'b', null, 'a']
    )
    assert.deepEqual(told, [['new', 'a', 'c']])
    assert.deepEqual(states.slice(before), [{ entries: ['new', 'a', 'c'], page: { names: ['c'], next: 'c' }, busy: false, failure: null }])
  })

  const overtaken: readonly (readonly [string, (tables: ReturnType<typeof setUp>) => void])[] = [
    ['a change', ({ list }) => list.change((names) => names.filter((name) => name !== 'a'))],
    ['another question', ({ list }) => list.reload()],
    ['the end of the list', ({ list }) => list.stop()]
  ]
  for (const [what, overtake] of overtaken)
    test(`is not refreshed with what ${what} has overtaken`, async () => {
      const tables = setUp()
      const { list, asked, load, page } = tables
      list.start(load)
      await asked[0]!.answer(page(['a', 'b']))
      const refreshed = list.refresh(() => assert.fail())
      overtake(tables)
      const { entries } = list.state
      await asked[1]!.answer(page(['late']))
      await refreshed
      assert.equal(list.state.entries, entries)
    })

  test('stays as it is when a refresh fails', async () => {
    const { list, asked, load, page } = setUp()
    list.start(load)
    await asked[0]!.answer(page(['a']))
    const before = list.state
    const refreshed = list.refresh()
    await asked[1]!.answer({ ok: false, error: failure })
    await refreshed
    assert.equal(list.state, before)
  })

  test('shows the answer to the last question, whichever comes last', async () => {
    const { list, asked, load, page } = setUp()
    list.start(load)
    list.start(load)
    await asked[1]!.answer(page(['new']))
    await asked[0]!.answer(page(['old']))
    assert.deepEqual(list.state.entries, ['new'])
  })

  test('keeps what is there while something else is on its way, and when that fails', async () => {
    const { list, asked, load, page } = setUp()
    list.start(load)
    await asked[0]!.answer(page(['a']))
    list.start(load)
    assert.deepEqual([list.state.entries, list.state.busy], [['a'], true])
    await asked[1]!.answer({ ok: false, error: failure })
    assert.deepEqual([list.state.entries, list.state.busy, list.state.failure], [['a'], false, failure])
    list.reload()
    await asked[2]!.answer(page(['b']))
    assert.deepEqual([list.state.entries, list.state.failure], [['b'], null])
  })

  test('asks again when something changes while an older answer is on its way', async () => {
    const { list, asked, load, page } = setUp()
    list.start(load)
    await asked[0]!.answer(page(['a', 'b']))
    list.change((names) => names.filter((name) => name !== 'a'))
    assert.deepEqual(list.state.entries, ['b'])
    assert.equal(asked.length, 1)
    list.reload()
    list.change(() => [])
    await asked[1]!.answer(page(['a', 'b']))
    assert.deepEqual(list.state.entries, [])
    await asked[2]!.answer(page(['c']))
    assert.deepEqual(list.state.entries, ['c'])
  })

  test('says and asks nothing any more once it has been stopped', async () => {
    const { list, states, asked, load, page } = setUp()
    list.start(load)
    list.stop()
    const before = states.length
    await asked[0]!.answer(page(['a']))
    list.reload()
    assert.deepEqual([states.length, asked.length], [before, 1])
  })
})
