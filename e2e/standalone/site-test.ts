import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test as base } from '@playwright/test'

interface Watch {
  /** Paths of the parts of the widget that were loaded, in their order. */
  readonly parts: string[]
  /** What the page did against its policy, and what it wrote as an error. */
  readonly complaints: string[]
}

/** Each worker has a site of plain pages (site.ts) as `baseURL`; each test fails at a complaint of the browser. */
export const test = base.extend<{ watch: Watch; allowed: RegExp | null }, { site: string }>({
  site: [
    // Playwright wants this pattern, even when nothing is taken.
    // oxlint-disable-next-line no-empty-pattern
    async ({}, use, { workerIndex }) => {
      const port = Number(process.env['E2E_PORT'] ?? 7697) + 200 + workerIndex
      const child = spawn(process.execPath, [join(import.meta.dirname, 'site.ts')], { env: { ...process.env, PORT: String(port) } })
      const ended = new Promise((resolve) => child.once('close', resolve))
      let said = ''
      child.stderr.on('data', (text: Buffer) => (said += text.toString()))
      const origin = await new Promise<string>((resolve, reject) => {
        createInterface({ input: child.stdout }).once('line', resolve)
        child.once('close', () => reject(new Error(`The site has ended: ${said}`)))
      })
      await use(origin)
      child.stdin.end()
      child.kill('SIGTERM')
      await ended
    },
    { scope: 'worker' }
  ],
  baseURL: ({ site }, use) => use(site),
  allowed: [null, { option: true }],
  watch: [
    async ({ page, allowed }, use) => {
      const watch: Watch = { parts: [], complaints: [] }
      page.on('console', (message) => {
        if (message.type() === 'error') watch.complaints.push(message.text())
      })
      page.on('pageerror', (error) => watch.complaints.push(error.message))
      page.on('request', (request) => {
        const { pathname } = new URL(request.url())
        if (/\/lwsgs-\w+\.js$/.test(pathname)) watch.parts.push(pathname)
      })
      await use(watch)
      expect(watch.complaints.filter((complaint) => allowed?.test(complaint) !== true)).toEqual([])
    },
    { auto: true }
  ]
})
