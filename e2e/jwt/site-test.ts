import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test as base, type BrowserContext, type Page } from '@playwright/test'

interface Sites {
  readonly origin: string
  /** Of somebody who wants to do harm: another port of the same host, which is the same site for cookies. */
  readonly evil: string
}

interface Log {
  readonly deleted: readonly string[]
  readonly told: readonly string[]
}

/** Each worker has the site of site.ts as `baseURL`; each test fails at a complaint of the browser. */
export const test = base.extend<{ allowed: RegExp | null; complaints: void }, { sites: Sites }>({
  // Chromium keeps pages for the way back, its headless shell does not; Playwright tells both not to.
  launchOptions: [
    ({ launchOptions }, use) => use({ ...launchOptions, ignoreDefaultArgs: ['--disable-back-forward-cache'] }),
    { scope: 'worker' }
  ],
  sites: [
    // Playwright wants this pattern, even when nothing is taken.
    // oxlint-disable-next-line no-empty-pattern
    async ({}, use, { workerIndex }) => {
      const port = Number(process.env['E2E_PORT'] ?? 7697) + 400 + 2 * workerIndex
      const child = spawn(process.execPath, [join(import.meta.dirname, 'site.ts')], { env: { ...process.env, PORT: String(port) } })
      const ended = new Promise((resolve) => child.once('close', resolve))
      let said = ''
      child.stderr.on('data', (text: Buffer) => (said += text.toString()))
      const line = await new Promise<string>((resolve, reject) => {
        createInterface({ input: child.stdout }).once('line', resolve)
        child.once('close', () => reject(new Error(`The site has ended: ${said}`)))
      })
      const [origin, evil] = line.split(' ')
      await use({ origin: origin!, evil: evil! })
      child.stdin.end()
      child.kill('SIGTERM')
      await ended
    },
    { scope: 'worker' }
  ],
  baseURL: ({ sites }, use) => use(sites.origin),
  allowed: [null, { option: true }],
  complaints: [
    async ({ context, allowed }, use) => {
      const complaints: string[] = []
      context.on('console', (message) => {
        if (message.type() === 'error') complaints.push(message.text())
      })
      context.on('weberror', (error) => complaints.push(error.error().message))
      await use()
      expect(complaints.filter((complaint) => allowed?.test(complaint) !== true)).toEqual([])
    },
    { auto: true }
  ]
})

let people = 0

/** A name that nobody else has. */
const newName = () => `ann${process.pid}x${++people}`

/** Logs somebody in, as all pages of the browser. */
export async function logIn(context: BrowserContext, { name = newName(), expiresIn = 1200 } = {}): Promise<string> {
  const response = await context.request.post('/login', { form: { name, expiresIn: String(expiresIn) }, maxRedirects: 0 })
  expect(response.status()).toBe(303)
  return name
}

/** Opens a page, and waits until its script knows who is logged in. */
export async function open(page: Page, address: string): Promise<void> {
  await page.goto(address)
  await expect.poll(() => page.evaluate(() => window.gsJwt.getSnapshot().status)).not.toBe('loading')
}

/** Time passes for the server, then for the pages, whose clocks must be installed; as on a device that sleeps, timers that are due run once. */
export async function pass(ms: number, first: Page, ...others: readonly Page[]): Promise<void> {
  await first.request.post('/clock', { data: { ms } })
  for (const page of [first, ...others]) await page.clock.fastForward(ms)
}

export async function logOf(page: Page): Promise<Log> {
  return (await page.request.get('/log')).json() as Promise<Log>
}

declare global {
  interface Window {
    /** What the tests need of the client of gs-ui. */
    readonly gsJwt: {
      readonly getSnapshot: () => { readonly status: string; readonly session: { readonly csrf: string } | null }
      readonly renew: () => Promise<{ readonly ok: boolean }>
    }
    /** Of the events that the page got. */
    readonly ends: readonly string[]
  }
}
