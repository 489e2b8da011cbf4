import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, type Page } from '@playwright/test'
import { walks, widgetWalks } from './helpers/panels.ts'
import { test } from './helpers/people.ts'

const folder = join(import.meta.dirname, '../artifacts/screens/panels')
const wide = { width: 1280, height: 800 }
const narrow = { width: 320, height: 720 }

/** Keeps a picture of the page, which must not scroll sideways; the keyboard's place and what moves are not in it. */
async function keep(page: Page, name: string): Promise<void> {
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  expect.soft(overflow, `${name} scrolls sideways`).toBeLessThanOrEqual(0)
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true, animations: 'disabled' })
}

test.beforeAll(() => mkdirSync(folder, { recursive: true }))

for (const [name, walk] of Object.entries(walks)) {
  test(`in light and dark, wide and narrow: ${name}`, async ({ page, mailbox }) => {
    await page.setViewportSize(wide)
    await walk(page, mailbox, async (state) => {
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme })
        await keep(page, `${state}-wide-${colorScheme}`)
      }
      await page.setViewportSize(narrow)
      await keep(page, `${state}-narrow-dark`)
      await page.emulateMedia({ colorScheme: 'light' })
      await keep(page, `${state}-narrow-light`)
      await page.setViewportSize(wide)
    })
  })
}

for (const [name, walk] of Object.entries(widgetWalks)) {
  test(`from right to left: ${name}`, async ({ page, mailbox }) => {
    await page.addInitScript(() => {
      // Before the scripts of the page.
      document.addEventListener('readystatechange', () => {
        document.documentElement.lang = 'ar'
        document.documentElement.dir = 'rtl'
      })
    })
    await walk(page, mailbox, async (state) => {
      await expect(page.locator('.gs-widget')).toHaveCSS('direction', 'rtl')
      await page.setViewportSize(wide)
      await keep(page, `${state}-rtl-wide`)
      await page.setViewportSize(narrow)
      await keep(page, `${state}-rtl-narrow`)
    })
  })
}
