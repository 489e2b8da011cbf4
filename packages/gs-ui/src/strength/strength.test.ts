import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { estimate, type StrengthContext } from './strength.ts'

describe('estimate', () => {
  const table: readonly (readonly [password: string, score: number, warning: string | null, context?: StrengthContext])[] = [
    ['', 0, null],
    ['password', 0, 'topTen'],
    ['qwertyuiop', 0, 'topHundred'],
    ['P@ssw0rd', 0, 'similarToCommon'],
    ['aaaaaaaaaaaaaaaaaaaa', 0, 'simpleRepeat'],
    ['passwordpassword', 0, 'extendedRepeat'],
    ['abcdefghijklmnopqr', 0, 'sequences'],
    ['12.03.1987', 1, 'dates'],
    ['internationalization', 2, 'wordByItself'],
    ['Donaudampfschiff', 2, 'wordByItself'],
    ['correcthorsebatterystaple', 4, null],
    ['correct horse battery staple', 4, null],
    ['four old words here', 4, null],
    ['kX9#mQ2$vL7!pR', 4, null],
    ['正しい馬の電池とホチキス', 4, null]
  ]
  for (const [password, score, warning, context] of table) {
    it(`gives "${password}" ${score}${warning === null ? '' : ` because of ${warning}`}`, () => {
      const found = estimate(password, context)
      assert.deepEqual({ score: found.score, warning: found.warning }, { score, warning })
    })
  }

  it('says what would make a weak one better, and nothing about a strong one', () => {
    assert.deepEqual(estimate('password').suggestions, ['anotherWord'])
    assert.deepEqual(estimate('P@ssw0rd').suggestions.includes('l33t'), true)
    assert.deepEqual(estimate('').suggestions, ['useWords', 'noNeed'])
    assert.deepEqual(estimate('correct horse battery staple').suggestions, [])
  })

  for (const [what, context] of [
    ['the user name', { username: ' Zaphodbeeble ' }],
    ['a part of the address', { email: 'zaphodbeeble@mail.test' }],
    ['the name of the site', { site: 'www.zaphodbeeble.example' }]
  ] as const) {
    it(`finds ${what} in it`, () => {
      assert.equal(estimate('zaphodbeeble7').score, 3)
      const found = estimate('zaphodbeeble7', context)
      assert.deepEqual([found.score <= 1, found.warning], [true, 'userInputs'])
    })
  }

  it('looks at the first hundred characters only', () => {
    const long = 'aaaaaaaaaa'.repeat(10)
    assert.equal(estimate(long + 'kX9#mQ2$vL7!pR').score, estimate(long).score)
    assert.equal(estimate('long words that nobody expects here '.repeat(30_000)).score, 4)
  })

  it('takes names that are regular expressions or properties of objects as they are', () => {
    for (const username of ['(((', '__proto__', 'constructor', '[a-z]+$'])
      assert.equal(estimate('correct horse battery staple', { username }).score, 4)
    assert.equal(typeof estimate('constructor').score, 'number')
    assert.equal(typeof estimate('__proto__').score, 'number')
  })
})
