import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { createClient, memoryStorage } from 'fastify-gs-ws/client'
import { buildApp } from './app.ts'

/** Starts the server; again, after `close`, on the same port and data. */
async function prepare(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'plus-one-'))
  writeFileSync(join(directory, 'index.html'), 'the page')
  let port = 0
  let close = () => Promise.resolve()
  const start = async () => {
    const app = await buildApp({ dataDirectory: directory, webDirectory: directory })
    await app.listen({ host: '127.0.0.1', port })
    port = (app.server.address() as AddressInfo).port
    close = () => app.close()
    return app
  }
  t.after(async () => {
    await close()
    rmSync(directory, { recursive: true })
  })
  await start()
  return { start, stop: () => close(), address: () => `127.0.0.1:${port}` }
}

/** A window of a browser; windows of one browser share their storage. */
function openWindow(t: TestContext, address: string, storage = memoryStorage()) {
  const client = createClient(`ws://${address}/ws`, { storage, retry: { min: 5, max: 50 } })
  t.after(() => client.close())
  const seen: Record<string, number> = {}
  const waiting = new Set<() => void>()
  for (const name of ['mine', 'shared']) {
    client.on(name, (count: number) => {
      seen[name] = count
      for (const check of waiting) check()
    })
  }
  const shows = (mine: number, shared: number) =>
    new Promise<void>((resolve) => {
      const check = () => {
        if (seen['mine'] !== mine || seen['shared'] !== shared) return
        waiting.delete(check)
        resolve()
      }
      waiting.add(check)
      check()
    })
  return { client, shows, storage }
}

test('a counter belongs to the browser, with all of its windows, the other one to everybody', { timeout: 10_000 }, async (t) => {
  const { address } = await prepare(t)
  const ann = openWindow(t, address())
  await ann.shows(0, 0)
  const annToo = openWindow(t, address(), ann.storage)
  const bob = openWindow(t, address())
  await Promise.all([annToo.shows(0, 0), bob.shows(0, 0)])

  ann.client.send('plus-one')
  await Promise.all([ann.shows(1, 0), annToo.shows(1, 0)])
  annToo.client.send('plus-one')
  bob.client.send('plus-one-shared')
  await Promise.all([ann.shows(2, 1), annToo.shows(2, 1), bob.shows(0, 1)])
})

test('presses are kept while the server is away, and counted once', { timeout: 20_000 }, async (t) => {
  const { address, start, stop } = await prepare(t)
  const ann = openWindow(t, address())
  for (let press = 0; press < 20; press++) ann.client.send(press % 2 === 0 ? 'plus-one' : 'plus-one-shared')
  await ann.shows(10, 10)
  await stop()
  for (let press = 0; press < 20; press++) ann.client.send(press % 2 === 0 ? 'plus-one' : 'plus-one-shared')
  await start()
  await ann.shows(20, 20)
  await ann.client.flush()
  await stop()
  await start()
  await openWindow(t, address(), ann.storage).shows(20, 20)
})

test('a browser that is forgotten begins at zero', { timeout: 10_000 }, async (t) => {
  const { address } = await prepare(t)
  const ann = openWindow(t, address())
  ann.client.send('plus-one')
  await ann.shows(1, 0)
  const annToo = openWindow(t, address(), ann.storage)
  await annToo.shows(1, 0)
  await ann.client.end()
  await annToo.shows(0, 0)
  await openWindow(t, address(), ann.storage).shows(0, 0)
})

test('serves the page with a policy that allows its own files only', async (t) => {
  const { address } = await prepare(t)
  const response = await fetch(`http://${address()}/`)
  assert.equal(await response.text(), 'the page')
  assert.match(response.headers.get('content-security-policy')!, /^default-src 'none';/)
})
