import { expect, test as base, type APIRequestContext, type Browser, type Page } from '@playwright/test'
import { findMail, linkIn } from './mailbox.ts'
import { newName, password } from './visitor.ts'

export interface Person {
  readonly username: string
  readonly email: string
}

let visitors = 0

/** An address of a private network that no other test comes from. */
function newAddress(): string {
  visitors++
  return `10.${(process.pid >> 8) & 255}.${process.pid & 255}.${1 + (visitors % 250)}`
}

/**
 * Each test comes from an address of its own, as visitors do, so that the limits of the demo for one address stand as they are. The demo believes
 * the header because the browser is its proxy here (TRUST_PROXY).
 */
export const test = base.extend<{ mailbox: APIRequestContext; faults: string[] }>({
  // oxlint-disable-next-line no-empty-pattern -- Playwright wants a pattern, also when there is nothing to ask for
  extraHTTPHeaders: ({}, use) => use({ 'x-forwarded-for': newAddress() }),
  /** The mailbox is for the machine itself, which comes through no proxy. */
  mailbox: async ({ playwright, baseURL }, use) => {
    const request = await playwright.request.newContext({ baseURL: baseURL!, extraHTTPHeaders: {} })
    await use(request)
    await request.dispose()
  },
  /** What scripts threw and what broke the policy of a page: each is a failure. Refused requests and websockets are no faults, though Chromium writes them down as errors. */
  faults: [
    async ({ context }, use) => {
      const faults: string[] = []
      context.on('weberror', (error) => faults.push(`thrown: ${error.error().stack ?? error.error().message}`))
      context.on('console', (message) => {
        if (message.type() === 'error' && !/^(?:Failed to load resource|WebSocket connection)/.test(message.text()))
          faults.push(message.text())
      })
      await use(faults)
      expect(faults).toEqual([])
    },
    { auto: true }
  ]
})

/** Sends a call as the browser of the page does, with its cookies. */
export async function call(page: Page, path: string, data: object): Promise<void> {
  const answer = await page.request.post(`/lwsgs${path}`, { data })
  expect(answer.ok(), `${path}: ${answer.status()} ${await answer.text()}`).toBe(true)
}

function tokenIn(link: string): string {
  return new URL(link).searchParams.get('token')!
}

/** An account that is not verified yet. Nobody is logged in. */
export async function register(page: Page, base: string): Promise<Person> {
  const who = newName(base)
  await call(page, '/register', { ...who, password })
  return who
}

/** A verified account, logged in in the browser of the page, without looking at any page. */
export async function join(page: Page, mailbox: APIRequestContext, base: string): Promise<Person> {
  await page.context().clearCookies()
  const who = await register(page, base)
  await call(page, '/verify-email', { token: tokenIn(linkIn(await findMail(mailbox, who.email, /Confirm your address/))) })
  return who
}

/** Logs in on a telephone that was never here before; returns how it makes further calls. */
export async function logInElsewhere(
  { username }: Person,
  typed = password
): Promise<(path: string, init: RequestInit) => Promise<Response>> {
  const headers = {
    'content-type': 'application/json',
    'x-forwarded-for': '203.0.113.7',
    'user-agent': 'Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) AppleWebKit/605.1.15 Version/26.1 Mobile/15E148 Safari/604.1'
  }
  const ask = (path: string, init: RequestInit) => fetch(new URL(`/lwsgs${path}`, base.info().project.use.baseURL), init)
  const answer = await ask('/login', { method: 'POST', headers, body: JSON.stringify({ username, password: typed }) })
  expect(answer.status).toBe(200)
  const cookie = answer.headers
    .getSetCookie()
    .map((set) => set.split(';', 1)[0])
    .join('; ')
  return (path, init) => ask(path, { ...init, headers: { ...headers, cookie } })
}

/** Logs in as the admin of the configuration. */
export async function joinAsAdmin(page: Page): Promise<void> {
  await call(page, '/login', { username: 'admin', password: 'the password of the admin' })
}

/** Has somebody choose a new password, as an admin does it in another browser. */
export async function mustChoosePassword(browser: Browser, username: string, baseURL = base.info().project.use.baseURL!): Promise<void> {
  const context = await browser.newContext({ baseURL })
  const { request } = context
  const login = await request.post('/lwsgs/login', { data: { username: 'admin', password: 'the password of the admin' } })
  expect(login.ok()).toBe(true)
  const found = await request.get(`/lwsgs/admin/accounts?${new URLSearchParams({ search: username })}`)
  const { accounts } = (await found.json()) as { accounts: { id: string }[] }
  const answer = await request.post(`/lwsgs/admin/accounts/${accounts[0]!.id}/require-password-change`, { data: {} })
  expect(answer.ok(), await answer.text()).toBe(true)
  await context.close()
}

/** Redeems a lost-password link: for five minutes the current password is not asked for. */
export async function forget(page: Page, mailbox: APIRequestContext, { username, email }: Person): Promise<void> {
  await call(page, '/forgot-password', { username })
  await call(page, '/forgot-password/redeem', { token: tokenIn(linkIn(await findMail(mailbox, email, /Set a new password/))) })
}
