import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import { expect, test as base, type Page } from '@playwright/test'

interface Server {
  start(): Promise<void>
  stop(): Promise<void>
}

const test = base.extend<{ server: Server }>({
  // Playwright wants this pattern, even when nothing is taken.
  // oxlint-disable-next-line no-empty-pattern
  baseURL: async ({}, use, { parallelIndex }) => {
    await use(`http://localhost:${Number(process.env['E2E_PORT'] ?? 7697) + 700 + parallelIndex}`)
  },
  server: [
    async ({ baseURL }, use) => {
      const directory = mkdtempSync(join(tmpdir(), 'plus-one-'))
      const env = { ...process.env, PORT: new URL(baseURL!).port, GS_DATA_DIR: directory }
      const script = join(import.meta.dirname, '..', 'apps', 'plus-one', 'src', 'server.ts')
      let child: ChildProcess | null = null
      const server: Server = {
        async start() {
          child = spawn(process.execPath, [script], { env, stdio: ['ignore', 'pipe', 'inherit'] })
          await once(child.stdout!, 'data')
        },
        async stop() {
          if (child === null) return
          const ended = once(child, 'close')
          child.kill('SIGTERM')
          child = null
          expect(await ended).toEqual([0, null])
        }
      }
      await server.start()
      await use(server)
      await server.stop()
      rmSync(directory, { recursive: true })
    },
    { auto: true }
  ]
})

const mine = (page: Page) => page.locator('#mine')
const status = (page: Page) => page.locator('#status')
const shared = (page: Page) => page.locator('#shared')
const press = (page: Page, name: string) => page.getByRole('button', { name }).click()

test('one counter belongs to the browser, over windows, reloads and restarts, the other one to everybody', async ({
  page,
  context,
  browser,
  server
}) => {
  await page.goto('/')
  await expect(mine(page)).toHaveText('0')
  await press(page, 'Plus one for this browser')
  await press(page, 'Plus one for this browser')
  await press(page, 'Plus one for everybody')
  await expect(mine(page)).toHaveText('2')
  await expect(shared(page)).toHaveText('1')

  const second = await context.newPage()
  await second.goto('/')
  await expect(mine(second)).toHaveText('2')
  const other = await browser.newContext()
  const stranger = await other.newPage()
  await stranger.goto(page.url())
  await expect(mine(stranger)).toHaveText('0')
  await expect(shared(stranger)).toHaveText('1')
  await press(second, 'Plus one for this browser')
  await press(stranger, 'Plus one for everybody')
  await expect(mine(page)).toHaveText('3')
  await expect(shared(page)).toHaveText('2')

  await test.step('what is pressed while the server is away is counted once', async () => {
    await server.stop()
    await expect(status(page)).toContainText('out of reach')
    for (let i = 0; i < 5; i++) await press(page, 'Plus one for this browser')
    await press(page, 'Plus one for everybody')
    await server.start()
    await expect(mine(page)).toHaveText('8')
    await expect(mine(second)).toHaveText('8')
    await expect(shared(stranger)).toHaveText('3')
    await expect(status(page)).toHaveText('Connected.')
  })

  await page.reload()
  await expect(mine(page)).toHaveText('8')
  await press(page, 'Forget this browser')
  await expect(mine(page)).toHaveText('0')
  await expect(mine(second)).toHaveText('0')
  await expect(shared(page)).toHaveText('3')
  await other.close()
})

for (const colorScheme of ['light', 'dark'] as const) {
  test(`everybody can use it, by keyboard and on 320 pixels (${colorScheme})`, async ({ page }) => {
    const complaints: string[] = []
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(error.message))
    await page.emulateMedia({ colorScheme })
    await page.setViewportSize({ width: 320, height: 560 })
    await page.goto('/')
    await expect(mine(page)).toHaveText('0')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Space')
    await expect(page.getByRole('status', { name: 'This browser' })).toHaveText('1')
    await expect(page.getByRole('status', { name: 'Everybody' })).toHaveText('1')
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320)
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([])
    expect(complaints).toEqual([])
  })
}
