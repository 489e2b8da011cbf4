import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { loadDraft, saveDraft, type DraftStorage } from './draft.ts'

function createStorage(): DraftStorage & { readonly size: number } {
  const items = new Map<string, string>()
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
    get size() {
      return items.size
    }
  }
}

describe('a draft', () => {
  test('comes back as it was typed, to the one who typed it', () => {
    const storage = createStorage()
    saveDraft('alice', ' half a\nthought ', storage)
    saveDraft('bob', 'another', storage)
    assert.equal(loadDraft('alice', storage), ' half a\nthought ')
    assert.equal(loadDraft('bob', storage), 'another')
    assert.equal(loadDraft('carol', storage), '')
  })

  test('leaves nothing behind when it is emptied', () => {
    const storage = createStorage()
    saveDraft('alice', 'text', storage)
    saveDraft('alice', '', storage)
    assert.equal(loadDraft('alice', storage), '')
    assert.equal(storage.size, 0)
  })

  test('is no reason to fail where storage is forbidden or full', () => {
    const forbidden = () => {
      throw new DOMException('no', 'SecurityError')
    }
    const storage = { getItem: forbidden, setItem: forbidden, removeItem: forbidden }
    assert.equal(loadDraft('alice', storage), '')
    assert.doesNotThrow(() => saveDraft('alice', 'text', storage))
    assert.doesNotThrow(() => saveDraft('alice', '', storage))
  })
})
