import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Post, ServerFrame } from '../../src/messages/protocol.ts'
import { parseFrame, parseHistory } from './frames.ts'

const post: Post = { idx: 7, time: 1_795_225_853, username: 'alice', content: 'Hello <b>', own: false, deletable: false }
const frames: readonly ServerFrame[] = [
  { type: 'hello', seq: 3, username: 'alice', mayModerate: true },
  { type: 'reset', seq: 3, history: 'h', posts: [post], older: true },
  { type: 'reset', seq: 0, history: 'h', posts: [], older: false },
  { type: 'post', seq: 4, post },
  { type: 'deleted', seq: 5, idx: 7 },
  { type: 'presence', people: 3 },
  { type: 'rights', username: 'alice', mayModerate: false },
  { type: 'done', id: 'a', idx: 7 },
  { type: 'refused', id: 'a', code: 'BOARD_MESSAGE_INVALID', message: 'Please write something.' }
]

describe('parseFrame', () => {
  for (const frame of frames) {
    test(`understands ${JSON.stringify(frame)}`, () => assert.deepEqual(parseFrame(JSON.stringify(frame)), frame))

    test(`refuses ${frame.type} without one of its fields, or with something else in it`, () => {
      for (const field of Object.keys(frame)) {
        for (const value of [undefined, null, {}, [null]]) {
          assert.equal(parseFrame(JSON.stringify({ ...frame, [field]: value })), null, `${field}: ${JSON.stringify(value)}`)
        }
      }
    })
  }

  for (const [name, bad] of Object.entries({
    bytes: new Uint8Array([123]),
    'no JSON': '{"type":',
    null: 'null',
    'a list': '[]',
    'a type that it does not know': JSON.stringify({ type: 'weather' }),
    'a type that every object has': JSON.stringify({ type: 'constructor' }),
    'a frame of the original protocol': JSON.stringify({ idx: '7', time: '1795225853', username: 'alice', content: 'Hello' }),
    'a post with a time beyond all calendars': JSON.stringify({ type: 'post', seq: 1, post: { ...post, time: 9e12 } }),
    'a post with half a number': JSON.stringify({ type: 'post', seq: 1, post: { ...post, idx: 1.5 } }),
    'an object as author': JSON.stringify({ type: 'post', seq: 1, post: { ...post, username: { toString: 1 } } })
  })) {
    test(`refuses ${name}`, () => assert.equal(parseFrame(bad), null))
  }

  test('every time that it accepts can be shown', () => {
    const frame = parseFrame(JSON.stringify({ type: 'post', seq: 1, post: { ...post, time: 8_640_000_000_000 } }))
    assert.ok(frame?.type === 'post')
    assert.doesNotThrow(() => new Date(frame.post.time * 1000).toISOString())
  })
})

describe('parseHistory', () => {
  test('understands a page, and refuses everything else', () => {
    assert.deepEqual(parseHistory({ posts: [post], older: true }), { posts: [post], older: true })
    for (const bad of [null, [], 'text', {}, { posts: [post] }, { posts: [{}], older: true }, { posts: {}, older: true }]) {
      assert.equal(parseHistory(bad), null)
    }
  })
})
