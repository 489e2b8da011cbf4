import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { build } from '../testing/build.ts'

describe('check-name', () => {
  it('knows taken and reserved names in any spelling, and explains names that cannot be', async (t) => {
    const { browser, member } = await build(t)
    await member('Éva', 'eva@mail.test')
    const check = async (query: string) => {
      const response = await browser().get(`/lwsgs/check?${query}`)
      return response.statusCode === 200 ? response.json().available : response.json().code
    }
    assert.equal(await check('username=bob'), true)
    assert.equal(await check(`username=${encodeURIComponent('e\u0301VA')}`), false)
    assert.equal(await check('username=adm1n'), false)
    assert.equal(await check('username=a%20b'), 'GS_USERNAME_INVALID')
    assert.equal(await check(''), 'GS_QUERY_INVALID')
    assert.equal(await check('username=a&username=b'), 'GS_QUERY_INVALID')
    assert.equal(await check('name=a'), 'GS_QUERY_INVALID')
  })

  it('says of every address that it is free', async (t) => {
    const { browser, member } = await build(t)
    await member('alice')
    assert.deepEqual((await browser().get('/lwsgs/check?email=alice@mail.test')).json(), { available: true })
  })

  it('is limited per address', async (t) => {
    const { browser } = await build(t, { rateLimits: { check: { max: 3, seconds: 60 } } })
    for (let i = 0; i < 3; i++) assert.equal((await browser().get('/lwsgs/check?username=bob')).statusCode, 200)
    const refused = await browser().get('/lwsgs/check?username=bob')
    assert.deepEqual([refused.statusCode, refused.json().code], [429, 'GS_TOO_MANY_ATTEMPTS'])
    assert.ok(Number(refused.headers['retry-after']) > 0)
  })
})
