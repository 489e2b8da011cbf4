import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { gsError } from '../errors.ts'
import { findPasswordFault, type PasswordFault } from './password-rules.ts'

const rules = { minLength: 15, contextWords: ['Message board', 'localhost'], blocklist: 10_000 }
const sentence = (found: PasswordFault | null) => (found === null ? null : gsError('GS_PASSWORD_WEAK', found).message)
const fault = (password: string, personal: string[] = []) => sentence(findPasswordFault(password, rules, personal))

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
    assert.match(sentence(findPasswordFault('password', { minLength: 8, contextWords: [], blocklist: 10_000 }, [])) ?? '', /attackers/)
  })

  it('refuses them whatever their case and width: password and Password (a list that was compared by bytes let one of them through)', () => {
    const short = { minLength: 8, contextWords: [], blocklist: 10_000 }
    for (const password of ['password', 'Password', 'PASSWORD', 'ｐａｓｓｗｏｒｄ', 'PassWordpassword'])
      assert.equal(findPasswordFault(password, short, [])?.reasonCode, 'reason.password.common', password)
  })

  it('compares the whole password, never a part of it', () => {
    const short = { minLength: 8, contextWords: [], blocklist: 10_000 }
    for (const password of ['my password is this', 'password of mine', 'a password'])
      assert.equal(findPasswordFault(password, short, []), null)
  })

  it('takes as many as it is told, the most common first, an own list, or none', () => {
    const of = (blocklist: number | string[] | false, password: string, minLength = 8) =>
      findPasswordFault(password, { minLength, contextWords: [], blocklist }, []) !== null
    const table: [number | string[] | false, string, boolean][] = [
      [1, 'password', true],
      [1, 'baseball', false],
      [10, 'baseball', true],
      [10, 'trustno1', false],
      [10_000, 'trustno1', true],
      [false, 'password', false],
      [false, 'aaaaaaaa', true],
      [['Sesame street', 'ſesam 12'], 'SESAME STREET', true],
      [['Sesame street', 'ſesam 12'], 'sesam 12sesam 12', true],
      [['Sesame street', 'ſesam 12'], 'password', false]
    ]
    for (const [blocklist, password, refused] of table) assert.equal(of(blocklist, password), refused, `${String(blocklist)}: ${password}`)
    // All that a rule of 15 characters lets through are in the list of 10,000.
    assert.equal(of(10_000, 'bhrh0h2oof6xbqjeh', 15), true)
  })

  it('refuses what belongs to the person or the site, also with digits behind', () => {
    assert.match(fault('alexandra.mustermann', ['alexandra.mustermann']) ?? '', /your name/)
    assert.match(fault('Alexandra.Mustermann2026!', ['alexandra.mustermann']) ?? '', /your name/)
    assert.match(fault('Message board 2026') ?? '', /name of this site/)
    assert.equal(fault('alexandra.mustermann likes tea', ['alexandra.mustermann']), null)
  })
})
