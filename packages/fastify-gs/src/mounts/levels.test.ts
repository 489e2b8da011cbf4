import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it, type TestContext } from 'node:test'
import websocket from '@fastify/websocket'
import Sqlite from 'better-sqlite3'
import type { FastifyInstance } from 'fastify'
import { openAdministration } from '../admin/administration.ts'
import { gsMount, type GsOptions } from '../index.ts'
import { build, password, quickHasher } from '../testing/build.ts'
import type { Policy } from './policy.ts'

declare module 'fastify-gs' {
  interface GsLevels {
    editor: true
  }
}

/*
 * The whole decision: what a place asks × who is asking × how he asks. P: passes. L: must log in. H: hidden, as if there were nothing.
 * C: must choose a new password first.
 */
const visitors = [
  'stranger',
  'ticket',
  'unverified',
  'user',
  'customer',
  'staff',
  'moderator',
  'admin',
  'root',
  'lent',
  'lowered',
  'locked',
  'mustChange'
] as const
type Visitor = (typeof visitors)[number]
type Outcome = 'P' | 'L' | 'H' | 'C'

//                                     s t u  10 20 30 40 50 100 lent(10→30) lowered(50→10) locked must-change(50)
const table: readonly [level: string, outcomes: string][] = [
  ['none', 'P P P  P  P  P  P  P  P   P           P              P      P'],
  ['anonymous', 'P P P  P  P  P  P  P  P   P           P              P      P'],
  ['logged-in', 'L L P  P  P  P  P  P  P   P           P              L      C'],
  ['user', 'L L H  P  P  P  P  P  P   P           P              L      C'],
  ['customer', 'L L H  H  P  P  P  P  P   P           H              L      C'],
  ['staff', 'L L H  H  H  P  P  P  P   P           H              L      C'],
  ['editor', 'L L H  H  H  H  P  P  P   H           H              L      C'],
  ['moderator', 'L L H  H  H  H  P  P  P   H           H              L      C'],
  ['admin', 'L L H  H  H  H  H  P  P   H           H              L      C'],
  ['root', 'L L H  H  H  H  H  H  P   H           H              L      C'],
  ['nobody', 'H H H  H  H  H  H  H  H   H           H              H      H']
]
/** Where missing addresses are for everybody: a new password would not help an admin to what is for root. */
const amongOpen = (level: string, row: string) => (level === 'root' ? row.replace(/C$/, 'H') : row)
const outcomesOf = (row: string): [Visitor, Outcome][] => row.split(/ +/).map((outcome, index) => [visitors[index]!, outcome as Outcome])

const kinds = ['page', 'api', 'head', 'upgrade'] as const
type Kind = (typeof kinds)[number]

const expected: Record<Outcome, Record<Kind, { status: number; location?: string }>> = {
  P: { page: { status: 200 }, api: { status: 200 }, head: { status: 200 }, upgrade: { status: 101 } },
  L: { page: { status: 303, location: '/lwsgs/' }, api: { status: 401 }, head: { status: 401 }, upgrade: { status: 401 } },
  H: { page: { status: 404 }, api: { status: 404 }, head: { status: 404 }, upgrade: { status: 404 } },
  C: { page: { status: 303, location: '/lwsgs/lwsgs-change' }, api: { status: 403 }, head: { status: 403 }, upgrade: { status: 403 } }
}

const browserName = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
const headersOf: Record<Kind, Record<string, string>> = {
  page: { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
  api: { accept: 'application/json', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' },
  head: { accept: '*/*' },
  upgrade: {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    origin: 'http://localhost:7681'
  }
}

interface Answer {
  readonly status: number
  readonly location: string | undefined
  readonly setsCookie: boolean
}

/** Over a real socket; of a socket that opens nothing more is wanted. */
function ask(port: number, kind: Kind, path: string, cookie: string | undefined, agent = browserName): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      port,
      path,
      method: kind === 'head' ? 'HEAD' : 'GET',
      headers: { 'user-agent': agent, ...headersOf[kind], ...(cookie !== undefined && { cookie }) },
      agent: false
    })
    const answer = (status: number, headers: { location?: string | undefined; 'set-cookie'?: string[] | undefined }) =>
      resolve({ status, location: headers.location, setsCookie: headers['set-cookie'] !== undefined })
    request.on('upgrade', ({ headers }, socket) => {
      socket.destroy()
      answer(101, headers)
    })
    request.on('response', (response) => {
      response.resume()
      answer(response.statusCode!, response.headers)
    })
    request.on('error', reject)
    request.end()
  })
}

const options: Partial<GsOptions> = { levels: { editor: 35 } }
const policyOf = (level: string) => ({ level }) as Policy

/** An account of every kind that is logged in, or was. */
async function cookiesOf(t: TestContext | { after: (done: () => unknown) => void }) {
  const built = await build(t as TestContext, options)
  const administration = await openAdministration({
    database: { sqlite: built.databasePath },
    hasher: quickHasher,
    now: () => built.clock.now
  })
  const { accounts, groups } = administration
  const cookies = {} as Record<Visitor, string | undefined>
  const own: Partial<Record<Visitor, number>> = {
    user: 10,
    customer: 20,
    staff: 30,
    moderator: 40,
    admin: 50,
    root: 100,
    lent: 10,
    lowered: 50,
    locked: 50,
    mustChange: 50,
    unverified: 50
  }
  const visitor = built.browser()
  await visitor.visit('/')
  cookies.ticket = `gs=${visitor.token}`
  for (const [name, level] of Object.entries(own) as [Visitor, number][]) {
    const account = await accounts.add({ username: `the-${name}`, email: `${name}@mail.test`, password, verified: name !== 'unverified' })
    await accounts.grant(account.id, { level })
    const browser = built.browser()
    const { statusCode } = await browser.post('/lwsgs/login', { username: `the-${name}`, password })
    assert.equal(statusCode, 200)
    cookies[name] = `gs=${browser.token}`
  }
  const idOf = async (name: Visitor) => (await accounts.find(`the-${name}`))!.id
  await accounts.setGroup(await idOf('lent'), (await groups.add({ name: 'Lenders', level: 30 })).id)
  await accounts.setGroup(await idOf('lowered'), (await groups.add({ name: 'Visitors', level: 10 })).id)
  await accounts.requirePasswordChange(await idOf('mustChange'))
  await administration.close()
  // Without the end of its sessions, which a lock brings with it otherwise.
  const database = new Sqlite(built.databasePath)
  database.exec("update gs_accounts set locked_at = 1 where username = 'the-locked'")
  database.close()
  return { built, cookies }
}

describe('what a place asks of its visitors', () => {
  let cookies: Record<Visitor, string | undefined>
  let databasePath: string
  let now: number
  const cleanups: (() => unknown)[] = []
  before(async () => {
    const made = await cookiesOf({ after: (done: () => unknown) => void cleanups.push(done) })
    ;({ cookies } = made)
    ;({ databasePath } = made.built)
    ;({ now } = made.built.clock)
  })
  after(async () => {
    for (const cleanup of cleanups) await cleanup()
  })

  const serve = async (t: TestContext, given: Partial<GsOptions>, routes: (app: FastifyInstance) => void | Promise<void>) => {
    const { app } = await build(t, { ...options, database: { sqlite: databasePath }, now: () => now, ...given }, async (app) => {
      await app.register(websocket)
      await routes(app)
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    return (app.server.address() as AddressInfo).port
  }
  const place = (app: FastifyInstance, url: string, config: { gs?: Policy }) =>
    app.route({ method: 'GET', url, config, handler: () => 'inside', wsHandler: (socket) => socket.close() })

  const check = async (port: number, path: string, row: string, statusOfThose: Partial<Record<Outcome, number>> = {}) => {
    for (const [visitor, outcome] of outcomesOf(row)) {
      for (const kind of kinds) {
        const { status, location } = await ask(port, kind, path, cookies[visitor])
        const wanted = expected[outcome][kind]
        const where = `${visitor} asks for ${path} (${kind})`
        assert.equal(status, statusOfThose[outcome] ?? wanted.status, where)
        const next = wanted.location === undefined ? undefined : `${wanted.location}?next=${encodeURIComponent(path)}`
        assert.equal(location, next, where)
      }
    }
  }

  it('is decided by its level, whoever asks and however', async (t) => {
    const port = await serve(t, {}, (app) => {
      for (const [level] of table) place(app, `/${level}`, { gs: policyOf(level) })
    })
    for (const [level, row] of table) await check(port, `/${level}`, amongOpen(level, row))
  })

  for (const [level, row] of table) {
    it(`is the default level ${level} where nothing else is said, and of addresses that lead nowhere`, async (t) => {
      const port = await serve(t, { defaultLevel: level as 'user' }, async (app) => {
        place(app, '/plain', {})
        place(app, '/open', { gs: { level: 'none' } })
        place(app, '/root', { gs: { level: 'root' } })
        await app.register(gsMount, { prefix: '/mount', handler: () => 'inside' })
      })
      await check(port, '/plain', row)
      const [, openRow] = table.find(([name]) => name === 'none')!
      await check(port, '/open', openRow)
      const [, rootRow] = table.find(([name]) => name === 'root')!
      await check(port, '/root', row.endsWith('C') ? rootRow : amongOpen('root', rootRow))
      await check(port, '/nothing', row, { P: 404 })
      for (const [visitor, outcome] of outcomesOf(row)) {
        const { status } = await ask(port, 'api', '/mount/x', cookies[visitor])
        assert.equal(status, expected[outcome].api.status, `${visitor} asks for the mount`)
        // Who is kept out has to come in somewhere.
        assert.equal((await ask(port, 'api', '/lwsgs/session', cookies[visitor])).status, 200)
      }
    })
  }

  it('decides whether a stranger gets a session', async (t) => {
    const port = await serve(t, {}, async (app) => {
      for (const [level] of table) place(app, `/${level}`, { gs: policyOf(level) })
      place(app, '/plain', {})
      for (const level of ['none', 'anonymous', 'user'] as const)
        await app.register(gsMount, { prefix: `/mount/${level}`, handler: () => 'inside', policy: { level } })
      await app.register(gsMount, { prefix: '/mount/plain', handler: () => 'inside' })
    })
    const gets = async (path: string, agent?: string) => {
      const found: Kind[] = []
      for (const kind of kinds) if ((await ask(port, kind, path, undefined, agent)).setsCookie) found.push(kind)
      return found.join(' ')
    }
    assert.equal(await gets('/none'), '')
    assert.equal(await gets('/anonymous'), 'page api')
    assert.equal(await gets('/mount/none/x'), '')
    assert.equal(await gets('/mount/anonymous/x'), 'page api')
    for (const path of ['/plain', '/mount/plain/x', '/mount/user/x', '/nothing', '/logged-in', '/staff', '/nobody'])
      assert.equal(await gets(path), 'page', path)
    for (const robot of ['Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)', 'curl/8.5.0', 'python-requests/2.32'])
      assert.equal(await gets('/anonymous', robot), '', robot)
    assert.equal(await gets('/anonymous', ''), 'page api', 'no name is not that of a robot')
    for (const visitor of ['ticket', 'user'] as const)
      assert.equal((await ask(port, 'api', '/anonymous', cookies[visitor])).setsCookie, false, `${visitor} has one`)
  })
})

describe('the names of levels', () => {
  it('of the application are known to the compiler once they are merged into GsLevels', async (t) => {
    const merged: Policy = { level: 'editor' }
    // @ts-expect-error a name that nobody has declared
    const misspelt: Policy = { level: 'edittor' }
    await assert.rejects(
      build(t, options, (app) => {
        app.get('/merged', { config: { gs: merged } }, () => 'inside')
        app.get('/misspelt', { config: { gs: misspelt } }, () => 'inside')
      }),
      /the policy of GET \/misspelt must have a level from 0 to 125 or one of .*editor/
    )
  })
})
