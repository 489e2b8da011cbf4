import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findPasswordFault } from './password-rules.ts'

const rules = { minLength: 15, contextWords: ['Message board', 'localhost'] }
const fault = (password: string, personal: string[] = []) => findPasswordFault(password, rules, personal)

describe('findPasswordFault', () => {
  it('counts code points, not UTF-16 units', () => {
    assert.match(fault('😀'.repeat(7) + 'abcdefg') ?? '', /at least 15/)
    assert.equal(fault('😀😁😂🤣😃😄😅😆😉😊😋😎😍😘🥰'), null)
    assert.match(fault('12 characters') ?? '', /at least 15/)
  })

  it('has no rules of composition', () => {
    for (const password of ['aaaaaaaaaaaaaaab', 'all small words here', '83921047561029384756', ' leading and trailing '])
      assert.equal(fault(password), null)
  })

  it('refuses common passwords, whatever their case, and repetitions of them', () => {
    for (const password of ['123456789987654321', 'QAZWSXEDCRFVTGB', 'passwordpassword', 'aaaaaaaaaaaaaaaa'])
      assert.match(fault(password) ?? '', /attackers/)
    assert.match(findPasswordFault('password', { minLength: 8, contextWords: [] }, []) ?? '', /attackers/)
  })

  it('refuses what belongs to the person or the site, also with digits behind', () => {
    assert.match(fault('alexandra.mustermann', ['alexandra.mustermann']) ?? '', /your name/)
    assert.match(fault('Alexandra.Mustermann2026!', ['alexandra.mustermann']) ?? '', /your name/)
    assert.match(fault('Message board 2026') ?? '', /name of this site/)
    assert.equal(fault('alexandra.mustermann likes tea', ['alexandra.mustermann']), null)
  })
})
