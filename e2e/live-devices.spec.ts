import { expect, type APIRequestContext, type Browser, type Page } from '@playwright/test'
import { createBoardHouse } from './helpers/board.ts'
import { findMail, linkIn } from './helpers/mailbox.ts'
import { call, join, logInElsewhere, register, test, type Person } from './helpers/people.ts'
import { startProxy, type ProxyMode } from './helpers/proxy.ts'
import { expectSoon, soon } from './helpers/soon.ts'
import { logIn, password } from './helpers/visitor.ts'

const heading = (page: Page, name: string) => page.getByRole('heading', { name, exact: true })
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
const field = (page: Page, name: string) => page.getByLabel(name, { exact: true })

const endedElsewhere = 'This session was ended from elsewhere. Please log in again.'

async function open(page: Page, who: Person, origin = ''): Promise<Page> {
  await page.goto(`${origin}/lwsgs/`)
  await expect(heading(page, who.username)).toBeVisible()
  return page
}

const openTab = async (page: Page, who: Person, origin?: string) => open(await page.context().newPage(), who, origin)

/** Two tabs of the same person on another device. */
async function otherDevice(browser: Browser, who: Person): Promise<readonly [Page, Page]> {
  const context = await browser.newContext({ extraHTTPHeaders: { 'x-forwarded-for': '203.0.113.8' } })
  const page = await context.newPage()
  await page.goto('/lwsgs/')
  await logIn(page, who.username)
  await expect(heading(page, who.username)).toBeVisible()
  return [page, await openTab(page, who)]
}

interface AdminCalls {
  readonly post: (deed: string, data?: object) => Promise<void>
}

/** The calls of the admin about one account. */
async function adminOf(admin: APIRequestContext, { username }: Person): Promise<AdminCalls> {
  const login = await admin.post('/lwsgs/login', { data: { username: 'admin', password: 'the password of the admin' } })
  expect(login.ok()).toBe(true)
  const found = await admin.get(`/lwsgs/admin/accounts?${new URLSearchParams({ search: username })}`)
  const { accounts } = (await found.json()) as { accounts: { id: string }[] }
  return {
    post: async (deed, data = {}) => {
      const answer = await admin.post(`/lwsgs/admin/accounts/${accounts[0]!.id}/${deed}`, { data })
      expect(answer.ok(), await answer.text()).toBe(true)
    }
  }
}

test.describe('with several tabs on two devices', () => {
  test('a login on one is seen in the list of the other', async ({ page, mailbox }) => {
    const who = await join(page, mailbox, 'two.lists')
    await open(page, who)
    await button(page, 'Account').click()
    await button(page, 'Sessions').click()
    const items = page.getByRole('list', { name: 'Your sessions' }).getByRole('listitem')
    await expect(items).toHaveCount(1)
    const before = page.evaluate(
      () =>
        new Promise<number>((resolve) => {
          const list = document.querySelector('.gs-session')!.parentElement!
          new MutationObserver(() => list.childElementCount === 2 && resolve(Date.now())).observe(list, { childList: true })
        })
    )
    const phone = await logInElsewhere(who)
    const done = Date.now()
    expect((await before) - done).toBeLessThan(soon)
    await expect(items.nth(1)).toContainText('iPhone')
    await phone('/logout', { method: 'POST', body: '{}' })
    await expect(items).toHaveCount(1)
  })

  test('a password that is changed on one ends the session on the other, with the reason', async ({ page, mailbox, browser }) => {
    const who = await join(page, mailbox, 'two.passwords')
    const laptop = [await open(page, who), await openTab(page, who)]
    const phone = await otherDevice(browser, who)
    await expectSoon(
      () => call(page, '/change-password', { currentPassword: password, password: 'a quite different phrase' }),
      phone,
      'The password was changed elsewhere. Please log in again.'
    )
    for (const each of laptop) await expect(heading(each, who.username)).toBeVisible()
    await phone[0].context().close()
  })

  test('what an admin gives and takes is there, and gone, on both at once', async ({ page, mailbox, browser, playwright, baseURL }) => {
    const who = await join(page, mailbox, 'two.rights')
    const laptop = [await open(page, who), await openTab(page, who)]
    const phone = await otherDevice(browser, who)
    const all = [...laptop, ...phone]
    const request = await playwright.request.newContext({ baseURL: baseURL! })
    const admin = await adminOf(request, who)
    await expectSoon(() => admin.post('grant', { level: 60 }), all, 'Administration')
    await admin.post('grant', { level: 10 })
    for (const each of all) await expect(button(each, 'Administration')).toHaveCount(0)
    await expectSoon(() => admin.post('require-password-change'), all, 'Choose a new password')
    await expectSoon(() => admin.post('lock'), all, 'This account was locked.')
    await phone[0].context().close()
    await request.dispose()
  })

  test('an account that is deleted on one is gone on the other, and nobody is asked to log in again', async ({
    page,
    mailbox,
    browser
  }) => {
    const who = await join(page, mailbox, 'two.deleted')
    await open(page, who)
    const phone = await otherDevice(browser, who)
    await button(page, 'Account').click()
    await button(page, 'Delete account').click()
    await field(page, 'User name').fill(who.username)
    await field(page, 'Current password').fill(password)
    await expectSoon(
      async () => {
        await button(page, 'Delete account').click()
        await expect(page.getByText('Your account is deleted.')).toBeVisible()
      },
      phone,
      'This account was deleted.'
    )
    await phone[0].context().close()
  })

  test('a page that waits for the verification becomes that of a member when the link is opened in another tab, and says it elsewhere', async ({
    page,
    mailbox,
    browser
  }) => {
    const who = await register(page, 'two.verified')
    await call(page, '/login', { username: who.username, password })
    await open(page, who)
    const unverified = page.locator('.gs-mark[data-mark="unverified"]')
    await expect(unverified).toBeVisible()
    const phone = await otherDevice(browser, who)
    const loads: string[] = []
    page.on('framenavigated', (frame) => loads.push(frame.url()))
    const tab = await page.context().newPage()
    await tab.goto(linkIn(await findMail(mailbox, who.email, /Confirm your address/)))
    await expectSoon(
      async () => {
        await button(tab, 'Confirm my address').click()
        await expect(heading(tab, who.username)).toBeVisible()
      },
      phone,
      'Your address was verified in another browser. Please log in again.'
    )
    await expect(page.locator('.gs-mark[data-mark="verified"]')).toBeVisible()
    await expect(unverified).toHaveCount(0)
    await expect(heading(page, who.username)).toBeVisible()
    expect(loads).toEqual([])
    await phone[0].context().close()
  })
})

test.describe('behind a proxy', () => {
  const proxies: readonly (readonly [string, ProxyMode])[] = [
    ['answers in the place of the server that there is nothing', 'no-content'],
    ['lets no stream through', 'unavailable'],
    ['holds streams back for ever', 'hold'],
    ['cuts each stream after five seconds', 'cut']
  ]
  for (const [what, mode] of proxies) {
    test(`that ${what}, the end of a session is seen all the same, with the reason`, async ({ page, mailbox, baseURL }) => {
      const proxy = await startProxy(baseURL!, mode)
      const who = await join(page, mailbox, 'proxied')
      await open(page, who, proxy.origin)
      const tab = await openTab(page, who, proxy.origin)
      await expect.poll(proxy.streams).toBeGreaterThan(mode === 'cut' ? 3 : 1)
      const phone = await logInElsewhere(who)
      await phone('/sessions', { method: 'DELETE' })
      for (const each of [page, tab]) await expect(each.getByText(endedElsewhere)).toBeVisible({ timeout: 15_000 })
      await proxy.close()
    })
  }

  test('a stream that is cut again and again misses no login of another device', async ({ page, mailbox, baseURL }) => {
    const proxy = await startProxy(baseURL!, 'cut')
    const who = await join(page, mailbox, 'cut')
    await open(page, who, proxy.origin)
    await button(page, 'Account').click()
    await button(page, 'Sessions').click()
    const items = page.getByRole('list', { name: 'Your sessions' }).getByRole('listitem')
    for (let n = 2; n <= 4; n++) {
      const streams = proxy.streams()
      await logInElsewhere(who)
      await expect(items).toHaveCount(n)
      await expect.poll(proxy.streams).toBeGreaterThan(streams)
    }
    await proxy.close()
  })
})

test('a laptop that slept while its session was ended says so, with the reason, when it is awake', async ({
  page,
  mailbox,
  baseURL,
  faults
}) => {
  const proxy = await startProxy(baseURL!)
  const who = await join(page, mailbox, 'asleep')
  await open(page, who, proxy.origin)
  const tab = await openTab(page, who, proxy.origin)
  await expect.poll(proxy.streams).toBeGreaterThan(1)
  const phone = await logInElsewhere(who)
  proxy.set('dead')
  await phone('/change-password', {
    method: 'POST',
    body: JSON.stringify({ currentPassword: password, password: 'a quite different phrase' })
  })
  proxy.set('pass')
  for (const each of [page, tab])
    await expect(each.getByText('The password was changed elsewhere. Please log in again.')).toBeVisible({ timeout: 15_000 })
  await proxy.close()
  // That the board does not reach the server is what this is about.
  expect(faults.splice(0).filter((fault) => !fault.startsWith('WebSocket connection'))).toEqual([])
})

test.describe('when the server falls over', () => {
  test('tabs recover by themselves, and tell the truth about what happened meanwhile', async ({ page, browser, faults }, {
    workerIndex
  }) => {
    const port = Number(process.env['E2E_PORT'] ?? 7697) + 400 + 2 * workerIndex
    const house = createBoardHouse()
    try {
      const board = house.board(port)
      await board.start()
      const { username, email } = { username: 'fallen', email: 'fallen@mail.test' }
      const who = { username, email }
      const at = (path: string) => `${board.origin}/lwsgs${path}`
      const headers = { origin: board.origin }
      expect((await page.request.post(at('/register'), { headers, data: { ...who, password } })).ok()).toBe(true)
      expect((await page.request.post(at('/login'), { headers, data: { username, password } })).ok()).toBe(true)
      const tabs = [await open(page, who, board.origin), await openTab(page, who, board.origin)]

      await board.kill()
      await board.start()
      await button(page, 'Account').click()
      await button(page, 'Sessions').click()
      const items = page.getByRole('list', { name: 'Your sessions' }).getByRole('listitem')
      await expect(items).toHaveCount(1)
      const phone = await (await browser.newContext({ baseURL: board.origin })).newPage()
      await phone.goto('/lwsgs/')
      await logIn(phone, username)
      await expect(items).toHaveCount(2)

      // Another process with the same data does it while this one is gone.
      await board.kill()
      await expect(heading(tabs[1]!, username)).toBeVisible()
      const other = house.board(port + 1)
      await other.start()
      const ended = await phone.request.delete(`${other.origin}/lwsgs/sessions`, { headers: { origin: other.origin } })
      expect(ended.ok(), await ended.text()).toBe(true)
      await other.kill()
      await board.start()
      for (const tab of tabs) await expect(tab.getByText(endedElsewhere)).toBeVisible({ timeout: 20_000 })
      await expect(heading(phone, username)).toBeVisible({ timeout: 20_000 })
      await phone.context().close()
      expect(faults.splice(0).filter((fault) => !fault.startsWith('WebSocket connection'))).toEqual([])
    } finally {
      await house.clear()
    }
  })
})
