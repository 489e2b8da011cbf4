import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { forgetWhoLeft, loadDraft, loadUnsent, saveDraft, saveUnsent, type DraftStorage } from './draft.ts'

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

  test('is gone after a logout or with the account, and stays when the session ended by itself', () => {
    for (const [ended, left] of [
      [undefined, ''],
      ['logout', ''],
      ['account-deleted', ''],
      ['idle', 'text'],
      ['unknown', 'text']
    ] as const) {
      const storage = createStorage()
      saveDraft('alice', 'text', storage)
      saveUnsent('alice', [{ id: '1', content: 'text', at: 1 }], storage)
      saveDraft('bob', 'another', storage)
      forgetWhoLeft('alice', ended, storage)
      assert.deepEqual([loadDraft('alice', storage), loadUnsent('alice', storage).length], [left, left.length / 4])
      assert.equal(loadDraft('bob', storage), 'another')
    }
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

describe('what has no answer yet', () => {
  const text = { id: 'a', content: ' hello\n', at: 1_795_225_853_000 }

  test('comes back to the one who wrote it, until nothing is left', () => {
    const storage = createStorage()
    saveUnsent('alice', [text], storage)
    assert.deepEqual(loadUnsent('alice', storage), [text])
    assert.deepEqual(loadUnsent('bob', storage), [])
    saveUnsent('alice', [], storage)
    assert.deepEqual(loadUnsent('alice', storage), [])
    assert.equal(storage.size, 0)
  })

  for (const damaged of ['', 'x', 'null', '{}', '[1]', '[{"id":"a"}]', JSON.stringify([{ ...text, at: 'now' }])]) {
    test(`is nothing where the storage has ${damaged || 'an empty text'}`, () => {
      const storage = createStorage()
      storage.setItem('board-unsent:alice', damaged)
      assert.deepEqual(loadUnsent('alice', storage), [])
    })
  }
})
