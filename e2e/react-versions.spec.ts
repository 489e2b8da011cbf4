import { expect, test as base } from '@playwright/test'
import { enter, startReactApp, type ReactApp } from './helpers/react-app.ts'
import { logIn, logOut, newName, password, watchForFaults } from './helpers/visitor.ts'

const port = Number(process.env['E2E_PORT'] ?? 7697) + 200

for (const version of ['18', '19'] as const) {
  const test = base.extend<object, { app: ReactApp }>({
    app: [
      // oxlint-disable-next-line no-empty-pattern -- Playwright wants a pattern, also when there is nothing to ask for
      async ({}, use, { workerIndex }) => {
        const app = await startReactApp(version, port + 2 * workerIndex + (version === '18' ? 0 : 1))
        await use(app)
        await app.stop()
      },
      { scope: 'worker' }
    ]
  })

  test.describe(`React ${version}, in strict mode`, () => {
    test('a visitor signs up, logs in, sees his sessions and logs out', async ({ page, app }) => {
      const faults = watchForFaults(page)
      const who = newName('react')
      await page.goto(app.origin)
      await page.getByRole('button', { name: 'Sign up' }).click()
      await page.getByLabel('User name', { exact: true }).fill(who.username)
      await page.getByLabel('E-mail', { exact: true }).fill(who.email)
      await page.getByLabel('Password', { exact: true }).fill(password)
      await page.getByRole('button', { name: 'Sign up' }).click()
      await expect(page.getByRole('heading', { name: 'Check your mail' })).toBeVisible()
      await page.getByRole('button', { name: 'Log in', exact: true }).click()
      await logIn(page, who.username)
      await expect(page.getByRole('heading', { name: who.username })).toBeVisible()
      await expect(page.locator('#who')).toHaveText(who.username)
      await page.getByRole('button', { name: 'Account' }).click()
      await page.getByRole('button', { name: 'Sessions' }).click()
      await expect(page.getByText('This browser')).toBeVisible()
      await page.getByRole('button', { name: 'Back' }).click()
      await page.getByRole('button', { name: 'Back' }).click()
      await logOut(page)
      await expect(page.locator('#who')).toHaveText('nobody')
      faults.expectNone()
    })

    test('what the server has rendered is taken over as it is, for guests and members', async ({ page, app }) => {
      const faults = watchForFaults(page)
      const alive = () => expect(page.locator('html')).toHaveAttribute('data-alive', '')
      await page.goto(`${app.origin}/rendered`)
      await alive()
      await page.getByLabel('Password', { exact: true }).fill('typed')
      await page.getByRole('button', { name: 'Show password' }).click()
      await expect(page.getByLabel('Password', { exact: true })).toHaveAttribute('type', 'text')
      const username = await enter(page, app, 'rendered')
      const html = await (await page.request.get(`${app.origin}/rendered`)).text()
      expect(html).toContain('Log out')
      expect(html).toContain(username)
      await page.goto(`${app.origin}/rendered`)
      await alive()
      await logOut(page)
      faults.expectNone()
    })

    test('a component hears once what other devices do, and knows the new state by then', async ({ page, app, playwright }) => {
      const username = await enter(page, app, 'hears')
      await page.goto(`${app.origin}/?events`)
      await expect(page.locator('#who')).toHaveText(username)
      await expect(page.getByRole('button', { name: 'Account' })).toBeVisible()
      const phone = await playwright.request.newContext({ extraHTTPHeaders: { origin: app.origin } })
      for (const [path, heard] of [
        ['/login', `login of ${username}`],
        ['/logout', `login of ${username}, logout of ${username}: logout`]
      ] as const) {
        const data = path === '/login' ? { username, password } : {}
        expect((await phone.post(`${app.origin}/lwsgs${path}`, { data })).ok()).toBe(true)
        await expect(page.locator('#heard')).toHaveText(heard)
      }
      await phone.post(`${app.origin}/lwsgs/login`, { data: { username, password } })
      expect((await phone.delete(`${app.origin}/lwsgs/sessions`)).ok()).toBe(true)
      // The listener knows already that nobody is there any more.
      await expect(page.locator('#heard')).toHaveText(/, login of \S+, ended: revoked, nobody$/)
      await phone.dispose()
    })

    test('a server renders an imported language at once', async ({ page, app }) => {
      const faults = watchForFaults(page)
      const html = await (await page.request.get(`${app.origin}/rendered?german`)).text()
      expect(html).toMatch(/<section[^>]* lang="de"/)
      expect(html).not.toContain('gs-loading')
      await page.goto(`${app.origin}/rendered?german`)
      await expect(page.getByRole('region')).toHaveAttribute('lang', 'de')
      await expect(page.getByRole('heading', { name: 'Log in' })).toHaveCount(0)
      faults.expectNone()
    })

    test('a panel alone begins anew when it is done, and has no way back but the one it is given', async ({ page, app }) => {
      const faults = watchForFaults(page)
      await enter(page, app, 'alone')
      await page.goto(`${app.origin}/?panel=change-password`)
      await expect(page.getByRole('heading', { name: 'Change password' })).toBeVisible()
      await expect(page.getByRole('button', { name: 'Back' })).toHaveCount(0)
      await page.getByLabel('Current password', { exact: true }).fill(password)
      await page.getByLabel('New password', { exact: true }).fill('a quite different phrase')
      await page.getByRole('button', { name: 'Change password' }).click()
      await expect(page.getByText('Your password is changed.')).toBeVisible()
      await expect(page.locator('#said')).toHaveText('done')
      await expect(page.getByLabel('New password', { exact: true })).toHaveValue('')
      await expect(page.getByRole('heading', { name: 'Change password' })).toBeFocused()
      await page.goto(`${app.origin}/?panel=change-email&links`)
      await page.getByRole('button', { name: 'Back' }).click()
      await expect(page.locator('#said')).toHaveText('back')
      await expect(page.getByRole('heading', { name: 'Change e-mail' })).toBeVisible()
      faults.expectNone()
    })

    test('a panel for members shows the login to a guest and comes back after it, or shows what the page wants', async ({ page, app }) => {
      const username = await enter(page, app, 'guest')
      await page.context().clearCookies()
      await page.goto(`${app.origin}/?panel=sessions`)
      await logIn(page, username)
      await expect(page.getByRole('heading', { name: 'Sessions' })).toBeVisible()
      await page.context().clearCookies()
      await page.goto(`${app.origin}/?panel=badge&guest`)
      await expect(page.getByRole('link', { name: 'Log in first' })).toBeVisible()
      await expect(page.getByRole('region')).toHaveCount(0)
    })

    test('of two panels on a page the one that was used keeps the focus', async ({ page, app }) => {
      const username = await enter(page, app, 'both')
      await page.context().clearCookies()
      await page.goto(`${app.origin}/?panel=change-password&also=sessions`)
      const second = page.getByRole('region').nth(1)
      await second.getByLabel('User name or e-mail').fill(username)
      await second.getByLabel('Password', { exact: true }).fill(password)
      await second.getByLabel('Password', { exact: true }).press('Enter')
      await expect(page.getByRole('heading', { name: 'Change password' })).toBeVisible()
      await expect(page.getByRole('heading', { name: 'Sessions' })).toBeFocused()
    })

    test('the login alone hands its links to the page and tells of the login', async ({ page, app }) => {
      const username = await enter(page, app, 'links')
      await page.context().clearCookies()
      await page.goto(`${app.origin}/?panel=login&links`)
      await page.getByRole('button', { name: 'Sign up' }).click()
      await page.getByRole('button', { name: 'Forgot password?' }).click()
      await expect(page.locator('#said')).toHaveText('register forgot-password')
      await logIn(page, username)
      await expect(page.locator('#said')).toHaveText('register forgot-password done')
      await page.reload()
      await expect(page.getByRole('heading', { name: username })).toBeVisible()
      await expect(page.locator('#said')).toHaveText('')
    })
  })
}
