import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { checkClaims, timeFault, type ClaimRules } from './claims.ts'

const issued = 1_700_000_000
const claims = { iat: issued, nbf: issued - 60, exp: issued + 600 }
const rules = { maxAge: 86_400, clockTolerance: 0 }

describe('the time of a token', () => {
  type Times = Partial<typeof claims>
  const cases: readonly (readonly [
    name: string,
    offset: number,
    expected: ReturnType<typeof timeFault>,
    times?: Times,
    given?: Partial<typeof rules>
  ])[] = [
    ['when it was issued', 0, null],
    ['a minute before, by a clock that is late', -60, null],
    ['more than a minute before', -60.001, 'not-yet'],
    ['in the last millisecond', 599.999, null],
    ['in the second exp', 600, 'expired'],
    ['after exp within the tolerance', 629.999, null, {}, { clockTolerance: 30 }],
    ['after exp at the end of the tolerance', 630, 'expired', {}, { clockTolerance: 30 }],
    ['before nbf', -0.001, 'not-yet', { nbf: issued }],
    ['before nbf within the tolerance', -30, null, { nbf: issued }, { clockTolerance: 30 }],
    ['before nbf outside of the tolerance', -30.001, 'not-yet', { nbf: issued }, { clockTolerance: 30 }],
    ['a minute and the tolerance before', -90, null, {}, { clockTolerance: 30 }],
    ['more than a minute and the tolerance before', -90.001, 'not-yet', {}, { clockTolerance: 30 }],
    ['nbf far before iat does not count', -61, 'not-yet', { nbf: 0 }],
    ['as long a life as allowed', 0, null, {}, { maxAge: 600 }],
    ['a longer life than allowed', 0, 'too-old', {}, { maxAge: 599 }],
    ['a longer life than allowed, by a tolerant clock', 0, 'too-old', {}, { maxAge: 599, clockTolerance: 60 }],
    ['a clock that is none', Number.NaN, 'not-yet']
  ]
  for (const [name, offset, expected, times, given] of cases) {
    test(`${name}: ${expected ?? 'right'}`, () => {
      assert.equal(timeFault({ ...claims, ...times }, { ...rules, ...given }, (issued + offset) * 1000), expected)
    })
  }

  test('a token without nbf counts from iat on', () => {
    const { iat, exp } = claims
    assert.equal(timeFault({ iat, exp }, rules, issued * 1000), null)
    assert.equal(timeFault({ iat, exp }, rules, issued * 1000 - 1), 'not-yet')
  })
})

describe('claims that may be left out', () => {
  const lenient: ClaimRules = { ...rules, iss: 'i', aud: 'a', required: [], checkExt: () => null }
  const least = { iss: 'i', aud: 'a', iat: issued, exp: issued + 600 }
  const check = (given: object, more: Partial<ClaimRules> = {}) =>
    checkClaims(Buffer.from(JSON.stringify(given)), { ...lenient, ...more }, issued * 1000)

  test('only iss, aud, iat and exp are always required', () => {
    assert.deepEqual(check(least), { claims: least })
    for (const [name, fault] of [
      ['iss', { fault: 'iss' }],
      ['aud', { fault: 'aud' }],
      ['iat', { fault: 'claim', claim: 'iat' }],
      ['exp', { fault: 'claim', claim: 'exp' }]
    ] as const) {
      assert.deepEqual(check({ ...least, [name]: undefined }), fault)
    }
  })

  for (const name of ['nbf', 'sub', 'jti', 'csrf'] as const) {
    test(`${name} is required where that was said`, () => {
      assert.deepEqual(check(least, { required: [name] }), { fault: 'claim', claim: name })
    })

    test(`${name} has to be right also where it is not required`, () => {
      assert.deepEqual(check({ ...least, [name]: [] }), { fault: 'claim', claim: name })
      assert.deepEqual(check({ ...least, [name]: null }), { fault: 'claim', claim: name })
    })
  }

  test('a token does not end before it begins', () => {
    assert.deepEqual(check({ ...least, iat: issued + 30, exp: issued + 30 }), { fault: 'claim', claim: 'exp' })
  })
})
