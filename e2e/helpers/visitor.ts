import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, type Page } from '@playwright/test'
import { findMail, linkIn } from './mailbox.ts'

export const password = 'correct horse battery staple'

let counter = 0

/** A name that no other test uses. */
export function newName(base: string): { username: string; email: string } {
  const username = `${base}${process.pid}x${++counter}`
  return { username, email: `${username}@mail.test` }
}

const screens = join(import.meta.dirname, '../../artifacts/screens')

/** Keeps pictures of a page: wide and narrow, light and dark. */
export async function keepScreens(page: Page, name: string): Promise<void> {
  mkdirSync(screens, { recursive: true })
  const before = page.viewportSize()!
  for (const [size, width, height] of [['wide', 1280, 800] as const, ['narrow', 320, 720] as const]) {
    await page.setViewportSize({ width, height })
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      await page.screenshot({ path: join(screens, `${name}-${size}-${colorScheme}.png`), fullPage: true })
    }
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
    expect(overflow, `${name} scrolls sideways at ${width}px`).toBeLessThanOrEqual(0)
  }
  await page.emulateMedia({ colorScheme: null })
  await page.setViewportSize(before)
}

/** Fails the test when the page breaks its content security policy, throws, or writes an error. */
export function watchForFaults(page: Page): { expectNone: (allowed?: RegExp) => void } {
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(`thrown: ${error.message}`))
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text())
  })
  return { expectNone: (allowed) => expect(faults.filter((fault) => allowed?.test(fault) !== true)).toEqual([]) }
}

export async function signUp(page: Page, who: { username: string; email: string }): Promise<void> {
  await page.goto('/lwsgs/')
  await page.getByRole('button', { name: 'Sign up' }).click()
  await page.getByLabel('User name', { exact: true }).fill(who.username)
  await page.getByLabel('E-mail', { exact: true }).fill(who.email)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign up' }).click()
  await expect(page.getByRole('heading', { name: 'Check your mail' })).toBeVisible()
}

/** Opens the verification link of the mail and presses its button. */
export async function verify(page: Page, who: { username: string; email: string }): Promise<void> {
  await page.goto(linkIn(await findMail(page.request, who.email, /Confirm your address/)))
  await page.getByRole('button', { name: 'Confirm my address' }).click()
  await expect(page.getByRole('heading', { name: who.username })).toBeVisible()
}

/** Signs up and verifies: logged in afterwards. */
export async function becomeMember(page: Page, base: string): Promise<{ username: string; email: string }> {
  const who = newName(base)
  await signUp(page, who)
  await verify(page, who)
  return who
}

export async function logIn(page: Page, username: string, typed = password): Promise<void> {
  await page.getByLabel('User name or e-mail').fill(username)
  await page.getByLabel('Password', { exact: true }).fill(typed)
  await page.getByRole('button', { name: 'Log in', exact: true }).click()
}

export async function logOut(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Log out' }).click()
  await expect(page.getByRole('heading', { name: 'Log in' })).toBeVisible()
}

export async function post(page: Page, text: string): Promise<void> {
  await page.getByLabel('Message', { exact: true }).fill(text)
  await page.getByRole('button', { name: 'Send' }).click()
  await expect(page.getByLabel('Message', { exact: true })).toHaveValue('')
  // It is shown before the board has it.
  await expect(page.locator('.message[data-state]')).toHaveCount(0)
}
