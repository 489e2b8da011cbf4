import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { temporaryDirectory } from '../testing.ts'
import { openBoardDatabase } from './database.ts'
import { addMessage, findContentProblem, findLastIdx, findLastMessages, findMessagesAfter } from './messages.ts'

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

describe('the posts', () => {
  it('come back exactly as they were stored, in the order of posting', async (t) => {
    const db = openBoardDatabase(join(await temporaryDirectory(t), 'board.sqlite3'))
    t.after(() => db.destroy())
    assert.equal(await findLastIdx(db), 0)
    const contents = ["O'Brien", '<script>', 'zwei\nZeilen', '😀', 'plain']
    for (const content of contents) await addMessage(db, { username: 'alice', content, time: 1_795_225_853 })

    assert.equal(await findLastIdx(db), 5)
    assert.deepEqual(
      (await findLastMessages(db, 5, 10)).map(({ content }) => content),
      contents
    )
    assert.deepEqual(
      (await findLastMessages(db, 4, 2)).map(({ idx }) => idx),
      [3, 4]
    )
    assert.deepEqual(await findMessagesAfter(db, 4, 10), [{ idx: 5, time: 1_795_225_853, username: 'alice', content: 'plain' }])
    assert.deepEqual(
      (await findMessagesAfter(db, 1, 2)).map(({ idx }) => idx),
      [2, 3]
    )
  })
})
