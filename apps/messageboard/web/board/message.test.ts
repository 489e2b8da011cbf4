import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseMessage } from './message.ts'

const frame = { idx: '7', time: '1795225853', username: 'alice', content: 'Hello <b>' }

describe('parseMessage', () => {
  test('reads a frame', () => {
    assert.deepEqual(parseMessage(JSON.stringify(frame)), {
      idx: 7,
      time: new Date('2026-11-21T01:50:53.000Z'),
      username: 'alice',
      content: 'Hello <b>'
    })
  })

  for (const [name, bad] of Object.entries({
    bytes: new Uint8Array([123]),
    'no JSON': '{"idx":',
    null: 'null',
    'a list': '[]',
    'a number instead of text': JSON.stringify({ ...frame, idx: 7 }),
    'an idx that is no number': JSON.stringify({ ...frame, idx: '7a' }),
    'a time beyond all calendars': JSON.stringify({ ...frame, time: '9'.repeat(20) }),
    'an object as author': JSON.stringify({ ...frame, username: { toString: 1 } }),
    'no content': JSON.stringify({ ...frame, content: undefined })
  })) {
    test(`refuses ${name}`, () => assert.equal(parseMessage(bad), null))
  }

  test('every time that it accepts can be shown', () => {
    const message = parseMessage(JSON.stringify({ ...frame, time: '9'.repeat(12) }))
    assert.doesNotThrow(() => message!.time.toISOString())
  })
})
