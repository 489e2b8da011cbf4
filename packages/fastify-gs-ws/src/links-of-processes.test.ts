import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises'
import fc from 'fast-check'
import { temporaryDirectory } from 'fastify-gs/testing'
import { WebSocket } from 'ws'
import { createClient } from './client/index.ts'
import { sqliteStore, WsConflictError, type GsWsOptions, type WsConnection } from './index.ts'
import { CuttingProxy, type Cut } from './testing/cutting-proxy.ts'
import { Queue, startSite, type RawClient, type Site } from './testing/site.ts'

interface Listed {
  list?: number[]
}
interface Granted {
  readonly id: string
  readonly secret?: string
  readonly received: number
  readonly lost: boolean
  readonly holder: string
}

const link = 'a'.repeat(22)
const another = 'b'.repeat(22)

/** Processes with the same database, each of which lists the numbers that come. */
async function start(t: TestContext, count: number, options: GsWsOptions = {}) {
  const path = join(temporaryDirectory(t), 'ws.sqlite3')
  const begun = new Queue<number>()
  const released = new Queue<void>()
  const failed: unknown[] = []
  const listed = (conn: WsConnection) => conn.session.data as Listed
  const begin = async () => {
    const site = await startSite(t, { perAddress: 10_000, ...options, store: await sqliteStore({ path }) })
    const { gsWs } = site.app
    const add = (conn: WsConnection, n: unknown) =>
      conn.update((data) => void ((data as Listed).list = [...((data as Listed).list ?? []), n as number]))
    gsWs.on('add', add)
    gsWs.on('slow', async (conn, n) => {
      begun.push(n as number)
      await released.next()
      await add(conn, n).catch((error: unknown) => failed.push(error))
    })
    gsWs.on('save', async (conn, n) => {
      listed(conn).list = [...(listed(conn).list ?? []), n as number]
      await conn.save()
      conn.send('saved', n)
    })
    gsWs.on('late', async (conn, n) => {
      const data = conn.session.data as Listed
      data.list = [...(data.list ?? []), n as number]
      begun.push(n as number)
      await released.next()
      await conn.save().catch((error: unknown) => failed.push(error))
    })
    gsWs.on('flood', (conn) => {
      for (let n = 0; n < 40; n++) conn.send('drop', n)
    })
    gsWs.answer('list', (conn) => listed(conn).list ?? [])
    return site
  }
  const sites: Site[] = []
  for (let n = 0; n < count; n++) sites.push(await begin())
  return { sites, begun, released, failed }
}

async function grantedOf(client: RawClient): Promise<Granted> {
  const [word, about] = await client.next()
  assert.equal(word, 'session')
  return about as Granted
}

async function create(site: Site) {
  const client = await site.connect('second')
  client.send('create', { link })
  return { client, ...(await grantedOf(client)) }
}

async function resume(site: Site, { id, secret }: { id: string; secret?: string }, about: object = { link }) {
  const client = await site.connect('second')
  client.send('resume', { id, secret, received: 0, ...about })
  const granted = await grantedOf(client)
  return { client, ...granted, secret: granted.secret ?? secret! }
}

async function listOf(client: RawClient, n: number): Promise<unknown> {
  client.send('ask', n, 'list')
  for (;;) {
    const [word, , asked, , result] = await client.next()
    if (word === 'answer' && asked === n) return result
  }
}

describe('a link that goes to another process', () => {
  it('takes no effects any more in the one that is still handling a message of it', async (t) => {
    const { sites, begun, released, failed } = await start(t, 2)
    const [one, other] = sites as [Site, Site]
    const first = await create(one)
    first.client.send('message', 1, 'add', 1)
    first.client.send('message', 2, 'slow', 2)
    assert.equal(await begun.next(), 2)
    // The first process does not hear that its client has gone.
    const { holder } = first
    const second = await resume(other, first, { link, holder })
    assert.deepEqual([second.received, second.lost], [1, true])
    await second.client.close(1000)
    const third = await resume(other, second, { link: another, again: 1 })
    third.client.send('message', 1, 'slow', 2)
    assert.equal(await begun.next(), 2)
    released.push()
    released.push()
    assert.deepEqual(await listOf(third.client, 2), [1, 2])
    assert.equal(failed.length, 1)
    assert.ok(failed[0] instanceof WsConflictError)
  })

  it('takes nothing from another window silently, whose change is taken back with its own', async (t) => {
    const { sites, begun, released, failed } = await start(t, 2)
    const [one, other] = sites as [Site, Site]
    const first = await create(one)
    first.client.send('message', 1, 'late', 1)
    assert.equal(await begun.next(), 1)
    const window = await resume(one, first, { link: 'c'.repeat(22) })
    window.client.send('message', 1, 'late', 2)
    assert.equal(await begun.next(), 2)
    const { holder } = first
    await resume(other, { ...first, secret: window.secret }, { link, holder })
    released.push()
    while (failed.length === 0) await turn()
    released.push()
    assert.deepEqual(await listOf(window.client, 2), [])
    assert.equal(failed.length, 2)
    assert.match((failed[0] as Error).message, /sent the message 1 again on another link/)
    assert.match((failed[1] as Error).message, /was taken back/)
    assert.ok(failed.every((error) => error instanceof WsConflictError))
  })

  it('and comes back within its time is begun anew, and not taken for what it was', async (t) => {
    const { sites } = await start(t, 2)
    const [one, other] = sites as [Site, Site]
    const first = await create(one)
    const { holder } = first
    first.client.socket.terminate()
    // Its answer is lost, so that the client does not know who has the link.
    const fresh = await resume(other, first)
    for (const n of [1, 2, 3]) fresh.client.send('message', n, 'add', n)
    assert.deepEqual(await listOf(fresh.client, 4), [1, 2, 3])
    fresh.client.socket.terminate()
    const back = await resume(one, fresh, { link, received: 1, holder: fresh.holder })
    assert.deepEqual([back.received, back.lost], [3, true])
    assert.notEqual(back.holder, holder)
    // It was to choose another one.
    back.client.send('message', 4, 'add', 4)
    assert.equal(await back.client.closed, '4400 given up')
    const next = await resume(other, back, { link: another })
    assert.deepEqual(await listOf(next.client, 1), [1, 2, 3])
  })

  it('is known again by the process that has had it all the time', async (t) => {
    const { sites } = await start(t, 1)
    const first = await create(sites[0]!)
    first.client.send('message', 1, 'save', 1)
    await first.client.next()
    first.client.socket.terminate()
    const { holder } = first
    const again = await resume(sites[0]!, first, { link, holder })
    assert.deepEqual([again.lost, again.received, again.holder], [false, 1, holder])
  })
})

describe('a link of which something is lost in the process that has it', () => {
  it('takes no effects of messages that come again on another one', async (t) => {
    const { sites, begun, released, failed } = await start(t, 1, { maxUnacknowledged: 32 })
    const first = await create(sites[0]!)
    first.client.send('message', 1, 'flood')
    first.client.send('message', 2, 'slow', 2)
    assert.equal(await begun.next(), 2)
    first.client.socket.terminate()
    const { holder } = first
    const second = await resume(sites[0]!, first, { link, holder })
    assert.deepEqual([second.received, second.lost], [1, true])
    await second.client.close(1000)
    const third = await resume(sites[0]!, second, { link: another, again: 1 })
    third.client.send('message', 1, 'slow', 2)
    assert.equal(await begun.next(), 2)
    released.push()
    released.push()
    assert.deepEqual(await listOf(third.client, 2), [2])
    assert.equal(failed.length, 1)
  })
})

describe('a client between processes', () => {
  it('has each message handled once and in order, wherever connections break and lead', { timeout: 100_000 }, async (t) => {
    const place = fc.record({
      process: fc.nat(2),
      cut: fc.option(
        fc.record({ from: fc.constantFrom('client' as const, 'server' as const), after: fc.integer({ min: 150, max: 2500 }) }),
        {
          freq: 4
        }
      )
    })
    const { sites } = await start(t, 3, { framesPerSecond: 10_000, createsPerAddress: 10_000 })
    await fc.assert(
      fc.asyncProperty(
        fc.array(place, { minLength: 1, maxLength: 12 }),
        fc.array(fc.nat(8), { minLength: 10, maxLength: 30 }),
        async (places, pauses) => {
          const proxy: CuttingProxy = await CuttingProxy.start(t, 0, (index): Cut | null => {
            const place = places[index]
            proxy.target = sites[place?.process ?? index % sites.length]!.port
            return place?.cut ?? null
          })
          const address = `ws://127.0.0.1:${proxy.port}/ws`
          const client = createClient(address, { retry: { min: 1, max: 20 }, framesPerSecond: 10_000, WebSocket })
          const saved: number[] = []
          let lost = 0
          client.on('saved', (n: number) => saved.push(n))
          client.onLocal('lost', ({ outgoing }) => {
            lost++
            assert.deepEqual(outgoing, [])
          })
          try {
            for (const [n, pause] of pauses.entries()) {
              client.send('save', n)
              await wait(pause)
            }
            const all = Array.from(pauses.keys())
            await client.flush()
            assert.deepEqual(await client.ask('list'), all)
            assert.deepEqual(
              saved,
              [...new Set(saved)].toSorted((a, b) => a - b),
              'once, and in order'
            )
            if (lost === 0) assert.deepEqual(saved, all, 'what is gone is told')
          } finally {
            client.close()
            proxy.close()
          }
        }
      ),
      { numRuns: 30, interruptAfterTimeLimit: 15_000, endOnFailure: true }
    )
  })
})
