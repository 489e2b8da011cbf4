import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import type { SessionList } from '../api.ts'
import { sessionRegistryOf, type Connection } from '../live/session-registry.ts'
import { openAdministration } from '../admin/administration.ts'
import type { GsOptions } from '../options.ts'
import type { AccountVisit } from '../sessions/visit.ts'
import { Browser, build, password, quickHasher, type Built } from '../testing/build.ts'
import { emptyPostgres, temporaryDirectory } from '../testing/databases.ts'
import { openEvents, type EventClient } from '../testing/event-client.ts'
import { sessionKeys, startMortalSite } from '../testing/session-processes.ts'

const engines: readonly (readonly [name: string, place: (t: TestContext) => Promise<GsOptions['database']> | GsOptions['database']])[] = [
  ['SQLite', (t) => ({ sqlite: join(temporaryDirectory(t), 'gs.sqlite3') })],
  ['PostgreSQL', async () => ({ postgres: await emptyPostgres() })]
]

const silent: Omit<Connection, 'kind'> = {
  ended: () => undefined,
  renewed: () => undefined,
  changed: () => undefined,
  sessionsChanged: () => undefined,
  closing: () => undefined
}

/** One process of a site; its route opens what stands for a websocket. */
async function site(t: TestContext, database: GsOptions['database'], now: () => number = Date.now) {
  const leaves: (() => void)[] = []
  const built = await build(t, { database, now, keys: sessionKeys }, (app) => {
    app.get('/socket', async ({ gs }) => {
      leaves.push(sessionRegistryOf(app.gs).connect(gs as AccountVisit, { kind: 'socket', ...silent })!)
      return {}
    })
  })
  return { ...built, leaves }
}

/** The browser as it comes to another process. */
function sameBrowser({ app }: Built, browser: Browser): Browser {
  const there = new Browser(app)
  for (const [name, value] of browser.cookies) there.cookies.set(name, value)
  return there
}

async function logIn({ app }: Built, username: string): Promise<Browser> {
  const browser = new Browser(app)
  assert.equal((await browser.post('/lwsgs/login', { username, password })).statusCode, 200)
  return browser
}

/** What the sessions of the browser have open, its own one first. */
async function open(browser: Browser): Promise<string[]> {
  const { sessions } = (await browser.get('/lwsgs/sessions')).json<SessionList>()
  return sessions.map(({ pages, sockets }) => `${pages} ${sockets}`)
}

/** Waits until the list says so, asking again when the stream says that there is something new. */
async function untilOpen(browser: Browser, stream: EventClient, wanted: string[]): Promise<void> {
  while ((await open(browser)).join() !== wanted.join()) await stream.expect('sessions')
}

for (const [name, place] of engines) {
  describe(`the list of sessions of several processes on ${name}`, () => {
    it('has the pages and websockets of all of them, and is told when they change', { timeout: 60_000 }, async (t) => {
      const database = await place(t)
      const [one, two] = [await site(t, database), await site(t, database)]
      const desk = await one.member('alice')
      const stream = await openEvents(t, one.app, desk)
      const phone = await logIn(two, 'alice')
      await untilOpen(desk, stream, ['1 0', '0 0'])
      const pages = [await openEvents(t, two.app, phone), await openEvents(t, two.app, phone)]
      await phone.get('/socket')
      // The same session in the other process, which adds its own.
      await sameBrowser(one, phone).get('/socket')
      await untilOpen(desk, stream, ['1 0', '2 2'])
      await untilOpen(phone, pages[1]!, ['2 2', '1 0'])

      pages[0]!.leave()
      two.leaves[0]!()
      await untilOpen(desk, stream, ['1 0', '1 1'])
      await two.app.close()
      assert.deepEqual(await open(desk), ['1 0', '0 1'])
    })

    it('has in 30 s nothing more of a process that was killed', { timeout: 60_000 }, async (t) => {
      const database = await place(t)
      let later = 0
      const here = await site(t, database, () => Date.now() + later)
      const { address, kill } = await startMortalSite(t, database)
      const desk = await here.member('alice')
      const stream = await openEvents(t, here.app, desk)
      const phone = await logIn(here, 'alice')
      const leaving = new AbortController()
      t.after(() => leaving.abort())
      const { status } = await fetch(`${address}/lwsgs/events`, {
        headers: { cookie: [...phone.cookies].map((pair) => pair.join('=')).join('; '), accept: 'text/event-stream' },
        signal: leaving.signal
      })
      assert.equal(status, 200)
      await untilOpen(desk, stream, ['1 0', '1 0'])
      const administration = await openAdministration({ database, hasher: quickHasher, now: () => Date.now() + later })
      t.after(() => administration.close())
      const newest = async () => (await administration.sessions.list()).sessions[0]?.pages
      assert.equal(await newest(), 1)
      await kill()
      assert.deepEqual(await open(desk), ['1 0', '1 0'])
      later = 30_000
      assert.deepEqual(await open(desk), ['1 0', '0 0'])
      assert.equal(await newest(), 0)
    })
  })
}
