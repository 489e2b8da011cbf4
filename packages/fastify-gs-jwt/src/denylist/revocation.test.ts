import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import Sqlite from 'better-sqlite3'
import { emptyPostgres, temporaryDirectory } from 'fastify-gs/testing'
import { databaseDenylist, memoryDenylist, type DatabaseDenylistOptions } from '../index.ts'
import { startDenylist } from '../testing/denylist-processes.ts'
import { startPostgresProxy } from '../testing/postgres-proxy.ts'
import { Browser, Clock, startSite } from '../testing/site.ts'

interface Place {
  readonly options: DatabaseDenylistOptions
  readonly takeAway: () => void
  readonly giveBack: () => void
}

const places: readonly { readonly name: string; readonly make: (t: TestContext) => Promise<Place> }[] = [
  {
    name: 'SQLite',
    async make(t) {
      const sqlite = join(temporaryDirectory(t), 'denied.sqlite3')
      const change = (text: string) => {
        const database = new Sqlite(sqlite)
        database.exec(text)
        database.close()
      }
      return {
        options: { sqlite },
        takeAway: () => change('alter table gs_jwt_denials rename to elsewhere'),
        giveBack: () => change('alter table elsewhere rename to gs_jwt_denials')
      }
    }
  },
  {
    name: 'PostgreSQL',
    async make(t) {
      const proxy = await startPostgresProxy(t, await emptyPostgres())
      return { options: { postgres: proxy.url }, takeAway: () => proxy.cut(), giveBack: () => proxy.mend() }
    }
  }
]

for (const place of places) {
  describe(`denied tokens, with a denylist on ${place.name}`, () => {
    it('are refused by all servers at once, and a login in the same instant counts, whose clock may be behind', async (t) => {
      const { options } = await place.make(t)
      const [clock, late] = [new Clock(), new Clock()]
      late.forward(-20)
      const first = await startSite(t, { now: clock.now, denylist: await databaseDenylist(options) })
      const second = await startSite(t, { now: late.now, denylist: await databaseDenylist(options) })
      const [ann, elsewhere, bob] = [new Browser(first), new Browser(second), new Browser(first)]
      elsewhere.cookies = ann.cookies
      await ann.login('ann')
      await bob.login('bob')
      // Also those whose signature is remembered.
      for (const browser of [ann, elsewhere, bob]) assert.equal((await browser.get('/members')).statusCode, 200)
      await first.jwtCookie.deny({ sub: 'ann' })
      for (const browser of [ann, elsewhere]) {
        const refused = await browser.get('/members')
        assert.equal(refused.statusCode, 401)
        assert.equal(refused.json().code, 'GS_JWT_REQUIRED')
        assert.deepEqual((await browser.get('/who')).json(), { sub: null, ext: null })
      }
      assert.equal((await bob.get('/members')).statusCode, 200)

      for (const browser of [ann, elsewhere]) {
        await browser.login('ann')
        for (const server of [ann, elsewhere]) assert.equal((await server.get('/members')).statusCode, 200)
      }
      await elsewhere.post('/logout')
      assert.equal((await ann.get('/members')).statusCode, 401)
    })

    it('are refused when a process without server has denied them, and after a restart', async (t) => {
      const { options } = await place.make(t)
      const clock = new Clock()
      const app = await startSite(t, { now: clock.now, denylist: await databaseDenylist(options) })
      const ann = new Browser(app)
      await ann.login('ann')
      assert.equal((await ann.get('/members')).statusCode, 200)
      const other = await startDenylist(t, options)
      await other.deny({ sub: 'ann', before: clock.at, until: clock.at + 86_400_000 })
      assert.equal((await ann.get('/members')).statusCode, 401)
      await app.close()

      const again = await startSite(t, { now: clock.now, denylist: await databaseDenylist(options) })
      const former = new Browser(again)
      former.cookies = ann.cookies
      assert.equal((await former.get('/members')).statusCode, 401)
    })

    it('let nobody in and log nobody out while the list is out of reach', async (t) => {
      const { options, takeAway, giveBack } = await place.make(t)
      const lines: string[] = []
      const denylist = await databaseDenylist(options)
      const app = await startSite(t, { denylist }, undefined, { write: (line) => void lines.push(line) })
      const [ann, bob, nobody] = [new Browser(app), new Browser(app), new Browser(app)]
      await ann.login('ann')
      await bob.login('bob')
      await app.jwtCookie.deny({ sub: 'bob' })

      takeAway()
      for (const browser of [ann, bob]) {
        const refused = await browser.get('/members')
        assert.equal(refused.statusCode, 503)
        assert.equal(refused.json().code, 'GS_JWT_UNAVAILABLE')
        assert.equal(refused.headers['set-cookie'], undefined)
        assert.deepEqual((await browser.get('/who')).json(), { sub: null, ext: null })
      }
      assert.equal((await nobody.get('/members')).statusCode, 401)
      assert.equal((await nobody.get('/who')).statusCode, 200)
      await assert.rejects(app.jwtCookie.deny({ sub: 'ann' }), { code: 'GS_JWT_UNAVAILABLE' })
      await assert.rejects(app.jwtCookie.sign({ sub: 'ann' }), { code: 'GS_JWT_UNAVAILABLE' })
      assert.ok(lines.some((line) => line.includes('are out of reach')))
      assert.ok(!lines.some((line) => line.includes([...ann.cookies.values()][0]!)))

      giveBack()
      assert.equal((await ann.get('/members')).statusCode, 200)
      assert.equal((await bob.get('/members')).statusCode, 401)
      await app.jwtCookie.deny({ sub: 'ann' })
      assert.equal((await ann.get('/members')).statusCode, 401)
    })

    it('are in a list that is closed with the server', async (t) => {
      const { options } = await place.make(t)
      const denylist = await databaseDenylist(options)
      const app = await startSite(t, { denylist })
      assert.equal(await denylist.deniedBefore({ sub: 'ann' }, 0), 0)
      await app.close()
      await assert.rejects(async () => denylist.deniedBefore({ sub: 'ann' }, 0), { code: 'GS_JWT_UNAVAILABLE' })
    })
  })
}

describe('denied tokens, with a denylist in memory', () => {
  it('are all tokens when the list is full; the log says so, and who logs in again is in', async (t) => {
    const clock = new Clock()
    const lines: string[] = []
    const app = await startSite(t, { now: clock.now }, undefined, { write: (line) => void lines.push(line) })
    const ann = new Browser(app)
    await ann.login('ann')
    assert.equal((await ann.get('/members')).statusCode, 200)
    for (let index = 0; index < 100_000; index++)
      await app.jwtCookie.deny(index % 2 === 0 ? { jti: `${index}` } : { sub: `somebody ${index}` })
    assert.equal((await ann.get('/members')).statusCode, 200)
    assert.ok(!lines.some((line) => line.includes('memoryDenylist()')))
    await app.jwtCookie.deny({ sub: 'bob' })
    assert.equal((await ann.get('/members')).statusCode, 401)
    assert.equal(lines.filter((line) => line.includes('memoryDenylist() holds 100000 denials and was full')).length, 1)
    clock.at += 999
    await ann.login('ann')
    assert.equal((await ann.get('/members')).statusCode, 200)
  })

  it('are forgotten when their time is over, by the clock of the server', async (t) => {
    const clock = new Clock()
    const lines: string[] = []
    const denylist = memoryDenylist({ max: 1000, onFull: (message) => void lines.push(message) })
    const app = await startSite(t, { now: clock.now, denylist, maxAge: 60 })
    for (let index = 0; index < 5000; index++) {
      clock.at += 100
      await app.jwtCookie.deny({ jti: `${index}` })
    }
    assert.deepEqual(lines, [])
  })
})

describe('the option denylist', () => {
  it('is not what databaseDenylist() promises', async (t) => {
    const promise = databaseDenylist({ sqlite: join(temporaryDirectory(t), 'denied.sqlite3') })
    t.after(async () => (await promise).close!())
    await assert.rejects(
      startSite(t, { denylist: promise as never }),
      /the option denylist is a promise; write denylist: await databaseDenylist/
    )
  })
})
