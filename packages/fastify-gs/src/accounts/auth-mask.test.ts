import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { maskOf, satisfies } from './auth-mask.ts'

const nobodySpecial = { admin: false, verified: false, sectors: 0, forgotAt: null }

describe('maskOf', () => {
  it('has the four documented bits', () => {
    assert.equal(maskOf(nobodySpecial, 0), 1)
    assert.equal(maskOf({ ...nobodySpecial, verified: true }, 0), 5)
    assert.equal(maskOf({ ...nobodySpecial, admin: true, verified: true }, 0), 7)
    assert.equal(maskOf({ ...nobodySpecial, verified: true, forgotAt: 1000 }, 1000), 13)
  })

  it('drops the forgot bit after 300 s', () => {
    const source = { ...nobodySpecial, forgotAt: 1000 }
    assert.equal(maskOf(source, 300_999) & 8, 8)
    assert.equal(maskOf(source, 301_000) & 8, 0)
  })

  it('stays unsigned with bit 31, and sectors cannot set the low bits', () => {
    assert.equal(maskOf({ ...nobodySpecial, sectors: 0x8000_000f }, 0), 0x8000_0001)
  })
})

describe('satisfies', () => {
  it('holds for exactly the masks that contain all needed bits', () => {
    for (let have = 0; have < 16; have++)
      for (let need = 0; need < 16; need++)
        assert.equal(
          satisfies(have, need),
          [1, 2, 4, 8].every((bit) => (need & bit) === 0 || (have & bit) !== 0),
          `${have} ${need}`
        )
    assert.equal(satisfies(0x8000_0001, 0x8000_0000), true)
    assert.equal(satisfies(0x7fff_ffff, 0x8000_0000), false)
  })
})
