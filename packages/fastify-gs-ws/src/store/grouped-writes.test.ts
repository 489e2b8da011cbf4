import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CompiledQuery } from 'kysely'
import { createGroupedWrites } from './grouped-writes.ts'

const query = (sql: string) => ({ sql, parameters: [] }) as unknown as CompiledQuery

function start(fail: (sql: readonly string[]) => Error | undefined = () => undefined) {
  const groups: string[][] = []
  const writes = createGroupedWrites(
    async (queries) => {
      const all = queries.map(({ sql }) => sql)
      groups.push(all)
      const error = fail(all)
      if (error !== undefined) throw error
      return all.map((sql) => [[sql]])
    },
    (error) => (error as Error).message === 'busy'
  )
  return { groups, writes, write: (sql: string) => writes.write(query(sql)) }
}

describe('grouped writes', () => {
  it('share a transaction when they come at once, and answer each for itself', async () => {
    const { groups, write } = start()
    assert.deepEqual(await Promise.all(['a', 'b', 'c'].map(write)), [[['a']], [['b']], [['c']]])
    assert.deepEqual(await write('d'), [['d']])
    assert.deepEqual(groups, [['a', 'b', 'c'], ['d']])
  })

  it('keep their order, a hundred at a time, also those that come meanwhile', async () => {
    const { groups, write, writes } = start()
    const done: string[] = []
    const all = Array.from({ length: 250 }, (_, index) => `${index}`)
    const note = async (sql: string) => {
      await write(sql)
      done.push(sql)
    }
    for (const sql of all) void (sql === '5' ? note(sql).then(() => note('later')) : note(sql))
    await writes.idle()
    assert.deepEqual(
      groups.map(({ length }) => length),
      [100, 100, 51]
    )
    assert.deepEqual(done, [...all, 'later'])
    await writes.idle()
  })

  it('are done one by one when one of them fails, which alone is told', async () => {
    const { groups, write } = start((all) => (all.includes('bad') ? new Error('constraint') : undefined))
    const outcomes = await Promise.allSettled(['a', 'bad', 'c'].map(write))
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled']
    )
    assert.deepEqual(groups, [['a', 'bad', 'c'], ['a'], ['bad'], ['c']])
  })

  it('all hear of an error that has nothing to do with them, once', async () => {
    let busy = true
    const { groups, write } = start(() => (busy ? new Error('busy') : undefined))
    for (const { status } of await Promise.allSettled(['a', 'b'].map(write))) assert.equal(status, 'rejected')
    busy = false
    assert.deepEqual(await write('c'), [['c']])
    assert.deepEqual(groups, [['a', 'b'], ['c']])
  })
})
