import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { sql } from 'kysely'
import { temporaryDirectory } from '../testing.ts'
import { openBoardDatabase } from './database.ts'
import {
  addMessage,
  findChangesAfter,
  findContentProblem,
  findLastMessages,
  findPage,
  findPosition,
  postFor,
  removeMessage,
  removeMessagesOf,
  type Visitor
} from './messages.ts'

describe('findContentProblem', () => {
  it('accepts any text of people', () => {
    for (const text of [
      'x',
      'two\nlines\tand a tab',
      '<b>bold</b> & "quotes"',
      'Grüße 日本語 👩‍👩‍👧',
      ' spaces ',
      '\u202emirrored',
      "'; drop table message; --"
    ]) {
      assert.equal(findContentProblem(text), null)
    }
  })

  it('counts code points, not units', () => {
    assert.equal(findContentProblem('a'.repeat(4000)), null)
    assert.equal(findContentProblem('😀'.repeat(4000)), null)
    assert.match(findContentProblem('a'.repeat(4001))!, /too long; 4000/)
    assert.match(findContentProblem('😀'.repeat(4001))!, /too long/)
    assert.match(findContentProblem(`${'😀'.repeat(3999)}aa`)!, /too long/)
  })

  it('refuses a text with nothing to see', () => {
    for (const text of ['', ' ', '\n\t\n', '\u00a0\u3000']) assert.match(findContentProblem(text)!, /write something/)
    // Joiners, fillers, a blank pattern, marks of direction, tags.
    for (const text of ['\u200b\u200d', '\u00ad', '\u115f\u3164\uffa0', '\u2800', '\u202e \u2066', '\u{e0001}\u{e0041}', '\ufe0f'])
      assert.match(findContentProblem(text)!, /write something/, JSON.stringify(text))
    for (const text of ['👩‍👩‍👧', '\u0301', '.\u200b', 'ᅟᅡ']) assert.equal(findContentProblem(text), null)
  })

  it('refuses control characters except line end and tab', () => {
    for (const character of ['\0', '\r', '\v', '\u001b', '\u007f', '\u0085', '\u009f'])
      assert.match(findContentProblem(`a${character}b`)!, /control characters/)
  })

  it('refuses half a surrogate pair', () => {
    assert.match(findContentProblem('a\ud83d')!, /damaged/)
    assert.match(findContentProblem('\ude00a')!, /damaged/)
  })
})

async function openBoard(t: TestContext) {
  const db = openBoardDatabase(join(await temporaryDirectory(t), 'board.sqlite3'))
  t.after(() => db.destroy())
  return {
    db,
    post: (content: string, accountId = 'a', clientId: string | null = null) =>
      addMessage(db, { accountId, username: `name of ${accountId}`, content, clientId, time: 1_795_225_853 })
  }
}

const alice: Visitor = { accountId: 'a', username: 'alice', mayModerate: false }
const bob: Visitor = { accountId: 'b', username: 'bob', mayModerate: false }
const moderator: Visitor = { accountId: 'm', username: 'mo', mayModerate: true }

describe('the posts', () => {
  it('come back exactly as they were stored, in the order of posting', async (t) => {
    const { db, post } = await openBoard(t)
    assert.deepEqual(await findPosition(db), { seq: 0, idx: 0 })
    const contents = ["O'Brien", '<script>', 'zwei\nZeilen', '😀'.repeat(4000), 'e\u0301\u202e\ufeff']
    for (const content of contents) await post(content)

    assert.deepEqual(await findPosition(db), { seq: 5, idx: 5 })
    assert.deepEqual(
      (await findLastMessages(db, 5, 10)).map(({ content }) => content),
      contents
    )
    assert.deepEqual(await findLastMessages(db, 3, 1), [
      { idx: 3, time: 1_795_225_853, username: 'name of a', content: 'zwei\nZeilen', accountId: 'a' }
    ])
  })

  it('come in pages that say whether there are older ones', async (t) => {
    const { db, post } = await openBoard(t)
    for (let number = 1; number <= 7; number++) await post(`post ${number}`)
    await removeMessage(db, moderator, 3)
    const page = async (idx: number, count: number) => {
      const { messages, older } = await findPage(db, idx, count)
      return [messages.map(({ idx }) => idx), older]
    }
    assert.deepEqual(await page(99, 3), [[5, 6, 7], true])
    assert.deepEqual(await page(4, 2), [[2, 4], true])
    assert.deepEqual(await page(4, 3), [[1, 2, 4], false])
    assert.deepEqual(await page(0, 3), [[], false])
  })

  it('are stored once, however often they are sent, also after they were deleted', async (t) => {
    const { db, post } = await openBoard(t)
    assert.deepEqual(await post('hello', 'a', 'x'), { idx: 1, added: true })
    assert.deepEqual(await post('hello', 'b', 'x'), { idx: 2, added: true })
    assert.deepEqual(await post('hello', 'a', 'x'), { idx: 1, added: false })
    await removeMessage(db, alice, 1)
    assert.deepEqual(await post('hello', 'a', 'x'), { idx: 1, added: false })
    assert.deepEqual(
      (await findLastMessages(db, 99, 9)).map(({ idx }) => idx),
      [2]
    )
    assert.equal((await post('hello'))!.added && (await post('hello'))!.added, true)
  })

  it('are deleted by their author and by moderators only', async (t) => {
    const { db, post } = await openBoard(t)
    for (const account of ['a', 'a', 'b']) await post('x', account)
    assert.equal(await removeMessage(db, alice, 3), 'not-yours')
    assert.equal(await removeMessage(db, bob, 1), 'not-yours')
    assert.equal(await removeMessage(db, alice, 1), 'removed')
    assert.equal(await removeMessage(db, alice, 1), 'unknown')
    assert.equal(await removeMessage(db, moderator, 3), 'removed')
    assert.equal(await removeMessage(db, moderator, 99), 'unknown')
  })

  it('never have a number twice', async (t) => {
    const { db, post } = await openBoard(t)
    await post('x')
    await removeMessage(db, alice, 1)
    assert.equal((await post('y'))!.idx, 2)
  })

  it('go with their account, and what it has on the way does not come any more', async (t) => {
    const { db, post } = await openBoard(t)
    for (let number = 0; number < 450; number++) await post('x', number % 9 === 0 ? 'b' : 'a', `id ${number}`)
    await removeMessage(db, moderator, 2)
    await removeMessagesOf(db, 'a', 1000)
    await removeMessagesOf(db, 'a', 2000)
    const left = await findLastMessages(db, 999, 999)
    assert.equal(left.length, 50)
    assert.ok(left.every(({ accountId }) => accountId === 'b'))
    assert.equal(await post('too late', 'a', 'new'), null)
    assert.equal((await post('fine', 'b'))!.added, true)
    const traces = await sql<{ count: number }>`
      select count(*) as count from message where account_id = 'a' or (account_id is null and client_id is not null)`.execute(db)
    assert.deepEqual(traces.rows, [{ count: 0 }])

    // By then nothing can be on the way.
    await removeMessagesOf(db, 'c', 1000 + 86_401)
    assert.equal((await post('an id that cannot come back', 'a'))!.added, true)
  })
})

describe('the changes', () => {
  it('have numbers without gaps, and tell posts with their text and deletions without', async (t) => {
    const { db, post } = await openBoard(t)
    await post('one')
    await post('two', 'b', 'x')
    await post('two', 'b', 'x')
    await removeMessage(db, bob, 2)
    await removeMessage(db, alice, 2)
    await post('three')
    const changes = await findChangesAfter(db, 0, 10)
    assert.deepEqual(
      changes.map(({ seq, idx, deleted, message }) => [seq, idx, deleted, message?.content]),
      [
        [1, 1, false, 'one'],
        [2, 2, false, undefined],
        [3, 2, true, undefined],
        [4, changes[3]!.idx, false, 'three']
      ]
    )
    assert.deepEqual(
      (await findChangesAfter(db, 2, 1)).map(({ seq }) => seq),
      [3]
    )
    assert.deepEqual(await findChangesAfter(db, 4, 10), [])
  })

  it('are forgotten but for the last ten thousand', async (t) => {
    const { db, post } = await openBoard(t)
    await sql`with recursive n (i) as (select 1 union all select i + 1 from n where i < 10_050)
      insert into message (time, username, content) select 1, 'alice', i from n`.execute(db)
    await post('the last one')
    const { rows } = await sql<{ first: number; count: number }>`select min(seq) as first, count(*) as count from change`.execute(db)
    assert.deepEqual(rows, [{ first: 52, count: 10_000 }])
    assert.equal((await findChangesAfter(db, 0, 1))[0]!.seq, 52)
  })
})

describe('postFor', () => {
  it('says what is the reader’s own and what he may delete', () => {
    const message = { idx: 1, time: 2, username: 'alice', content: 'x', accountId: 'a' }
    const asSeenBy = (visitor: Visitor, accountId: string | null = 'a') => {
      const { own, deletable, ...rest } = postFor(visitor, { ...message, accountId })
      assert.deepEqual(rest, { idx: 1, time: 2, username: 'alice', content: 'x' })
      return [own, deletable]
    }
    assert.deepEqual(asSeenBy(alice), [true, true])
    assert.deepEqual(asSeenBy(bob), [false, false])
    assert.deepEqual(asSeenBy(moderator), [false, true])
    assert.deepEqual(asSeenBy(alice, null), [false, false])
    // The same name, registered again.
    assert.deepEqual(asSeenBy({ ...alice, accountId: 'another' }), [false, false])
  })
})
