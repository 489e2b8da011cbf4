import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { admin } from '../../texts/admin.ts'
import { fill, type TextValues } from '../../texts/fill.ts'
import { actionName, auditDetails } from './audit-details.ts'
import { mailName } from './mail-name.ts'

const say = (key: keyof typeof admin, values: TextValues = {}) => fill(admin[key], values)

const cases: readonly (readonly [details: Record<string, unknown>, said: readonly (readonly [string, string])[]])[] = [
  [{}, []],
  [{ verified: [false, true], session: 's-1', mail: 'm-1', locked: [true, false] }, []],
  [{ level: [10, 35] }, [['Level', '10 (user) → 35']]],
  [{ sectors: [[], ['press', 'moderator']] }, [['Sectors', 'none → press, moderator']]],
  [{ sessions: 0 }, []],
  [
    { sessions: 2, mailed: false },
    [
      ['Ended sessions', '2'],
      ['Mail sent', 'no']
    ]
  ],
  [{ kind: 'verify-email' }, [['Mail', 'Confirm the address']]],
  [{ kind: 'toString' }, [['Mail', 'toString']]],
  [
    { constructor: { a: 1 }, next: null },
    [
      ['constructor', '{"a":1}'],
      ['next', 'null']
    ]
  ]
]

describe('an entry of the history', () => {
  for (const [details, said] of cases) {
    test(`says ${JSON.stringify(details)} as ${JSON.stringify(said)}`, () => assert.deepEqual(auditDetails(details, say), said))
  }

  test('names what was done; what a newer server does keeps its own name', () => {
    assert.equal(actionName('set-password', say), 'Password set')
    assert.equal(actionName('level', say), 'level')
    assert.equal(mailName('waiting', say), 'waiting')
  })
})
