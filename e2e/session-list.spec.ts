import { expect, test, type Browser, type Page, type WebSocket } from '@playwright/test'
import { becomeMember, logIn, watchForFaults } from './helpers/visitor.ts'

const newDevice = async (browser: Browser) => (await browser.newContext()).newPage()

/** Logs in where the board is; gives the connection over which the board hears. */
async function openBoard(page: Page, username: string): Promise<WebSocket> {
  const opened = page.waitForEvent('websocket', (socket) => new URL(socket.url()).pathname === '/lwsgs/board')
  await page.goto('/lwsgs/')
  await logIn(page, username)
  await expect(page.getByRole('heading', { name: username })).toBeVisible()
  return opened
}

async function openSessions(page: Page) {
  await page.getByRole('button', { name: 'Account' }).click()
  await page.getByRole('button', { name: 'Sessions' }).click()
  return page.getByRole('list', { name: 'Your sessions' }).getByRole('listitem')
}

test('a session that is ended in the list of another device loses its page and its connection at once, and the list its entry', async ({
  page,
  browser
}) => {
  const faults = watchForFaults(page)
  const { username } = await becomeMember(page, 'devices')
  const entries = await openSessions(page)
  await expect(entries).toHaveCount(1)

  const laptop = await newDevice(browser)
  const socket = await openBoard(laptop, username)
  const closed = socket.waitForEvent('close')
  await expect(entries).toHaveCount(2)
  await expect(entries.nth(1)).toContainText('1 open page')
  const tab = await laptop.context().newPage()
  await tab.goto('/lwsgs/')
  await expect(entries.nth(1)).toContainText('2 open pages')
  await tab.close()
  await expect(entries.nth(1)).toContainText('1 open page')
  expect(socket.isClosed()).toBe(false)

  await entries.nth(1).getByRole('button').click()
  await expect(laptop.getByText('This session was ended from elsewhere. Please log in again.')).toBeVisible({ timeout: 2000 })
  await expect(laptop.getByRole('heading', { name: 'Log in' })).toBeVisible()
  await closed
  await expect(entries).toHaveCount(1)
  await expect(entries).toContainText('This browser')
  await expect(page.getByText('That session is ended.')).toBeVisible()
  faults.expectNone()
  await laptop.context().close()
})

test('the list says what each session has open, and nothing where nothing is', async ({ page }) => {
  await becomeMember(page, 'open')
  const rows = [
    ['one', 1, 1],
    ['many', 2, 3],
    ['page', 1, 0],
    ['socket', 0, 1],
    ['nothing', 0, 0]
  ] as const
  await page.route('**/lwsgs/sessions', async (route) => {
    const answer = await route.fetch()
    const { sessions } = (await answer.json()) as { sessions: object[] }
    const made = rows.map(([id, pages, sockets], index) => ({ ...sessions[0], id, current: index === 0, pages, sockets }))
    await route.fulfill({ response: answer, json: { sessions: made } })
  })
  const entries = await openSessions(page)
  const facts = entries.locator('.gs-session-facts > p:last-child')
  await expect(facts).toHaveText([
    /· 1 open page · 1 open connection$/,
    /· 2 open pages · 3 open connections$/,
    /· 1 open page$/,
    /· 1 open connection$/,
    /^Logged in [^·]*$/
  ])
})

test('an admin sees the pages of somebody else come and go, and the end of the session where the focus is', async ({ page, browser }) => {
  const phone = await newDevice(browser)
  const { username } = await becomeMember(phone, 'seen')
  await page.goto('/lwsgs/')
  await logIn(page, 'admin', 'the password of the admin')
  await page.getByRole('button', { name: 'Administration' }).click()
  await page.getByRole('searchbox', { name: 'Search by name or address' }).fill(username)
  await page.getByRole('row').getByRole('button', { name: username, exact: true }).click()
  const fact = page.locator('[data-entry] .gs-facts > div', { hasText: 'Open pages' })
  await expect(fact).toHaveText(/^Open pages\s*1$/)
  const tab = await phone.context().newPage()
  await tab.goto('/lwsgs/')
  await expect(fact).toHaveText(/^Open pages\s*2$/)
  for (const each of [phone, tab]) await each.goto('about:blank')
  await expect(fact).toHaveCount(0)

  await page.locator('[data-entry]').getByRole('button').focus()
  await phone.goto('/lwsgs/')
  await phone.getByRole('button', { name: 'Log out' }).click()
  await expect(page.getByText('Not logged in anywhere.')).toBeVisible()
  await expect(page.getByText('This session had ended already.')).toBeVisible()
  await expect(page.getByRole('heading', { name: 'Sessions', exact: true })).toBeFocused()
  await phone.context().close()
})
