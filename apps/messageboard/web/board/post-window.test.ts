import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cutWindow, moveToNewer, moveToOlder } from './post-window.ts'

const postsDownFrom = (newest: number) => Array.from({ length: newest }, (_, index) => ({ idx: newest - index }))
const ends = (posts: readonly { idx: number }[], newest: number | null) => {
  const { posts: shown, newer, older } = cutWindow(posts, newest)
  return [shown[0]?.idx, shown.at(-1)?.idx, newer, older]
}

describe('the window of posts', () => {
  test('holds all of a few posts', () => {
    assert.deepEqual(ends([], null), [undefined, undefined, false, false])
    assert.deepEqual(ends(postsDownFrom(400), null), [400, 1, false, false])
  })

  test('follows what is new, and drops what is old', () => {
    assert.deepEqual(ends(postsDownFrom(10_000), null), [10_000, 9601, false, true])
    assert.deepEqual(ends(postsDownFrom(10_001), null), [10_001, 9602, false, true])
  })

  test('goes down in steps to the last post, and there stays', () => {
    const posts = postsDownFrom(1000)
    let newest: number | null = null
    const seen = [0, 1, 2, 3, 4, 5, 6, 7].map(() => {
      newest = moveToOlder(posts, newest)
      return ends(posts, newest)
    })
    assert.deepEqual(seen[0], [900, 501, true, true])
    assert.deepEqual(seen[5], [400, 1, true, false])
    assert.deepEqual(seen[7], [400, 1, true, false])
    assert.equal(moveToOlder(postsDownFrom(300), null), null)
  })

  test('stays where it is while new posts come, and goes up to them', () => {
    const posts = postsDownFrom(1050)
    assert.deepEqual(ends(posts, 900), [900, 501, true, true])
    assert.equal(moveToNewer(posts, 900), 1000)
    assert.equal(moveToNewer(posts, 1000), null)
  })

  test('finds its place when the first post of it was deleted, or all after it', () => {
    const posts = postsDownFrom(1000).filter(({ idx }) => idx !== 900)
    assert.deepEqual(ends(posts, 900), [899, 500, true, true])
    assert.deepEqual(
      ends(
        posts.filter(({ idx }) => idx > 500),
        450
      ),
      [901, 501, true, false]
    )
  })
})
