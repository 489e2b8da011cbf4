import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isNotice } from '../react/notices.ts'
import { takeNotice } from './page-notice.ts'

describe('takeNotice', () => {
  test('finds the notice and cleans the address', () => {
    assert.deepEqual(takeNotice('https://site.test/lwsgs/?gs=verified'), { notice: 'verified', address: '/lwsgs/' })
  })
  test('finds that the address of another account was confirmed', () => {
    assert.deepEqual(takeNotice('https://site.test/?gs=other'), { notice: 'other', address: '/' })
  })
  test('keeps the rest of the address', () => {
    assert.deepEqual(takeNotice('https://site.test/a?next=%2Fb&gs=changed&c=d#e'), { notice: 'changed', address: '/a?next=%2Fb&c=d#e' })
  })
  test('removes what nobody knows too; whether it means something is for the texts to say', () => {
    for (const notice of ['<b>You won</b>', 'toString', '']) {
      assert.deepEqual(takeNotice(`https://site.test/?gs=${encodeURIComponent(notice)}`), { notice, address: '/' })
      assert.equal(isNotice(notice), false)
    }
  })
  test('leaves other pages alone', () => {
    assert.equal(takeNotice('https://site.test/?gsx=verified'), null)
  })
})
