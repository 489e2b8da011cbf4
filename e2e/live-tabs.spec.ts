import { expect, test, type Browser, type Locator, type Page, type Response } from '@playwright/test'
import { expectSoon } from './helpers/soon.ts'
import { becomeMember, keepScreens, logIn, password, watchForFaults } from './helpers/visitor.ts'

/** The same person on another device. */
async function otherDevice(browser: Browser, username: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage()
  await page.goto('/lwsgs/')
  await logIn(page, username)
  await expect(page.getByRole('heading', { name: username })).toBeVisible()
  return page
}

async function otherTab(page: Page, username: string): Promise<Page> {
  const tab = await page.context().newPage()
  await tab.goto('/lwsgs/')
  await expect(tab.getByRole('heading', { name: username })).toBeVisible()
  return tab
}

async function openSessions(page: Page): Promise<Locator> {
  await page.getByRole('button', { name: 'Account' }).click()
  await page.getByRole('button', { name: 'Sessions' }).click()
  const list = page.getByRole('list', { name: 'Your sessions' })
  await expect(list).toBeVisible()
  return list
}

async function pressAndWait(page: Page, button: string | RegExp, path: RegExp): Promise<Response> {
  const answered = page.waitForResponse((response) => path.test(response.url()) && response.request().method() !== 'GET')
  await page.getByRole('button', { name: button }).click()
  const response = await answered
  expect(response.status()).toBe(200)
  return response
}

const endOther = /^End session: Chrome on Linux, (127\.0\.0\.1|::1)/

test('a session that is ended on another device is over in every tab, and goes on where it was', async ({ page, browser }) => {
  const faults = watchForFaults(page)
  const alice = await becomeMember(page, 'alice')
  const tab = await otherTab(page, alice.username)
  await openSessions(tab)
  await page.getByRole('button', { name: 'Account' }).click()
  await page.getByRole('button', { name: 'Change e-mail' }).click()
  await page.getByLabel('New e-mail').fill('half@typed')
  await page.getByLabel('Current password', { exact: true }).fill('secret half')

  const phone = await otherDevice(browser, alice.username)
  const list = await openSessions(phone)
  await expect(list.getByRole('listitem')).toHaveCount(2)
  await expect(list.getByRole('listitem').first()).toContainText('This browser')
  await expect(list.getByRole('listitem').nth(1)).toContainText('2 open pages')
  await expect(list.getByRole('button')).toHaveCount(1)
  await keepScreens(phone, 'sessions')

  await expectSoon(
    () => pressAndWait(phone, endOther, /\/sessions\//),
    [page, tab],
    'This session was ended from elsewhere. Please log in again.'
  )
  await expect(phone.getByText('That session is ended.')).toBeVisible()
  await expect(phone.getByText('You are logged in only here.')).toBeVisible()
  await expect(phone.getByRole('heading', { name: 'Sessions' })).toBeFocused()
  await expect(list.getByRole('listitem')).toHaveCount(1)
  for (const each of [page, tab]) await expect(each.getByRole('heading', { name: 'Log in' })).toBeFocused()

  await logIn(page, alice.username)
  await expect(page.getByLabel('New e-mail')).toHaveValue('half@typed')
  await expect(page.getByLabel('Current password', { exact: true })).toHaveValue('')
  await expect(tab.getByRole('list', { name: 'Your sessions' })).toBeVisible()
  await expect(list.getByRole('listitem')).toHaveCount(2)
  faults.expectNone()
  await phone.context().close()
})

test('a password that is changed on another device ends the session in every tab', async ({ page, browser }) => {
  const alice = await becomeMember(page, 'alice')
  const tab = await otherTab(page, alice.username)
  const phone = await otherDevice(browser, alice.username)
  const phoneTab = await otherTab(phone, alice.username)
  await phone.getByRole('button', { name: 'Account' }).click()
  await phone.getByRole('button', { name: 'Change password' }).click()
  await phone.getByLabel('Current password', { exact: true }).fill(password)
  await phone.getByLabel('New password', { exact: true }).fill('a quite different phrase')
  await expectSoon(
    () => pressAndWait(phone, 'Change password', /\/change-password$/),
    [page, tab],
    'The password was changed elsewhere. Please log in again.'
  )
  await expect(phone.getByText('Your password is changed.')).toBeVisible()
  // The device on which it was changed goes on, in all its tabs, and hears what comes.
  await expect(phoneTab.getByRole('heading', { name: alice.username })).toBeVisible()
  await logIn(page, alice.username, 'a quite different phrase')
  await openSessions(page)
  await expectSoon(
    () => pressAndWait(page, 'End all other sessions', /\/sessions$/),
    [phone, phoneTab],
    'This session was ended from elsewhere. Please log in again.'
  )
  await expect(page.getByText('All other sessions are ended.')).toBeVisible()
  await phone.context().close()
})

test('a logout is one in every tab, and leaves nothing that was typed', async ({ page }) => {
  const alice = await becomeMember(page, 'alice')
  const tab = await otherTab(page, alice.username)
  await tab.getByRole('button', { name: 'Account' }).click()
  await tab.getByRole('button', { name: 'Change e-mail' }).click()
  await tab.getByLabel('New e-mail').fill('half@typed')
  await expectSoon(() => pressAndWait(page, 'Log out', /\/logout$/), [tab, page], 'You are logged out.')
  await expect(tab.getByRole('heading', { name: 'Log in' })).toBeVisible()

  await logIn(tab, alice.username)
  for (const each of [tab, page]) {
    await expect(each.getByRole('heading', { name: alice.username })).toBeVisible()
    await expect(each.getByText('You are logged out.')).toHaveCount(0)
  }
  await tab.getByRole('button', { name: 'Account' }).click()
  await tab.getByRole('button', { name: 'Change e-mail' }).click()
  await expect(tab.getByLabel('New e-mail')).toHaveValue('')
})

test('who logs in after somebody else finds nothing of him', async ({ page, browser }) => {
  const second = await (await browser.newContext()).newPage()
  const bob = await becomeMember(second, 'bob')
  await second.context().close()
  const alice = await becomeMember(page, 'alice')
  await page.getByRole('button', { name: 'Account' }).click()
  await page.getByRole('button', { name: 'Change e-mail' }).click()
  await page.getByLabel('New e-mail').fill('half@typed')
  const phone = await otherDevice(browser, alice.username)
  await openSessions(phone)
  await expectSoon(() => pressAndWait(phone, 'End all other sessions', /\/sessions$/), [page], 'This session was ended from elsewhere.')
  await logIn(page, bob.username)
  await expect(page.getByRole('heading', { name: bob.username })).toBeVisible()
  await page.getByRole('button', { name: 'Account' }).click()
  await page.getByRole('button', { name: 'Change e-mail' }).click()
  await expect(page.getByLabel('New e-mail')).toHaveValue('')
  await phone.context().close()
})

test('the list of sessions is live, and can be used by keyboard alone', async ({ page, browser }) => {
  const alice = await becomeMember(page, 'alice')
  const list = await openSessions(page)
  const items = list.getByRole('listitem')
  await expect(items).toHaveCount(1)
  await expect(page.getByText('You are logged in only here.')).toBeVisible()
  const phone = await otherDevice(browser, alice.username)
  await expect(items).toHaveCount(2)
  await expect(items.nth(1)).toContainText('1 open page')
  const tablet = await otherDevice(browser, alice.username)
  await expect(items).toHaveCount(3)

  // Two of the same kind are told apart.
  const names = await list.getByRole('button').evaluateAll((buttons) => buttons.map((button) => button.textContent))
  expect(names).toHaveLength(2)
  await list.getByRole('button').first().focus()
  await page.keyboard.press('Enter')
  await expect(items).toHaveCount(2)
  // The next one, which a key that is held down must not end too.
  await expect(items.nth(1)).toBeFocused()
  await page.keyboard.press('Enter')
  await page.keyboard.press('Tab')
  await expect(list.getByRole('button')).toBeFocused()
  await expect(items).toHaveCount(2)

  // Somebody else takes it away while it has the focus.
  const left = (await phone.getByRole('heading', { name: 'Log in' }).isVisible()) ? tablet : phone
  await left.getByRole('button', { name: 'Log out' }).click()
  await expect(items).toHaveCount(1)
  await expect(page.getByRole('heading', { name: 'Sessions' })).toBeFocused()
  for (const device of [phone, tablet]) await device.context().close()
})

test('more windows than a browser has connections to the site all work', async ({ page }) => {
  const { username } = await becomeMember(page, 'windows')
  const others: Page[] = []
  for (let n = 0; n < 7; n++) others.push(await otherTab(page, username))
  const last = others.at(-1)!
  await expectSoon(() => pressAndWait(last, 'Log out', /\/logout$/), [page, ...others.slice(0, -1)], 'You are logged out')
})

test('the end is seen later, but seen, when what hears the server could not be loaded', async ({ page, browser }) => {
  const { username } = await becomeMember(page, 'deaf')
  const part = '**/live-session*.js'
  await page.route(part, (route) => route.abort())
  const failed = page.waitForEvent('requestfailed')
  await page.reload()
  await failed
  await expect(page.getByRole('heading', { name: username })).toBeVisible()
  const phone = await otherDevice(browser, username)
  await page.unroute(part)
  await openSessions(phone)
  await pressAndWait(phone, 'End all other sessions', /\/sessions$/)
  await expect(page.getByRole('heading', { name: 'Log in' })).toBeVisible({ timeout: 15_000 })
})

test('a double click ends one session', async ({ page, browser }) => {
  const alice = await becomeMember(page, 'alice')
  const devices = [await otherDevice(browser, alice.username), await otherDevice(browser, alice.username)]
  const list = await openSessions(page)
  await expect(list.getByRole('listitem')).toHaveCount(3)
  await list.getByRole('button').first().dblclick({ delay: 150 })
  await expect(list.getByRole('listitem')).toHaveCount(2)
  await page.getByRole('button', { name: 'Back' }).click()
  await page.getByRole('button', { name: 'Sessions' }).click()
  await expect(list.getByRole('listitem')).toHaveCount(2)
  for (const device of devices) await device.context().close()
})

test('a list that cannot be loaded is asked for again', async ({ page }) => {
  await becomeMember(page, 'alice')
  await page.route('**/lwsgs/sessions', (route) => route.abort())
  await page.getByRole('button', { name: 'Account' }).click()
  await page.getByRole('button', { name: 'Sessions' }).click()
  await expect(page.getByRole('alert')).toContainText('could not be reached')
  await page.unroute('**/lwsgs/sessions')
  await page.getByRole('button', { name: 'Try again' }).click()
  await expect(page.getByRole('listitem').filter({ hasText: 'This browser' })).toBeVisible()
})
