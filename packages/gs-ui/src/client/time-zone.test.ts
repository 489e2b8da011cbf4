import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isTold } from './time-zone.ts'

describe('isTold', () => {
  const cases: readonly (readonly [cookies: string, told: boolean])[] = [
    ['', false],
    ['gs-tz=Europe/Berlin', true],
    ['a=b; gs-tz=Europe%2FBerlin', true],
    ['shop-tz=Europe%2FBerlin; a=b', true],
    ['gs-tz=Europe/Paris', false],
    ['gs-tz=Nowhere/Else', false],
    ['gs-tz=%', false],
    ['gs-tz=', false],
    ['tz=Europe/Berlin', false],
    ['place=Europe/Berlin; gs-tz', false]
  ]
  test('takes another name of the same place for it', () => {
    assert.equal(isTold('Asia/Calcutta', 'gs-tz=Asia/Kolkata'), true)
    assert.equal(isTold('Asia/Kolkata', 'gs-tz=Asia/Calcutta'), true)
  })
  for (const [cookies, told] of cases)
    test(`finds that "${cookies}" ${told ? 'tells' : 'does not tell'} it`, () => assert.equal(isTold('Europe/Berlin', cookies), told))
})
