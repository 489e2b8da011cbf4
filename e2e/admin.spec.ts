import { expect, test, type Browser, type Locator, type Page } from '@playwright/test'
import { findMail } from './helpers/mailbox.ts'
import { becomeMember, keepScreens, logIn, newName, password, signUp, watchForFaults } from './helpers/visitor.ts'

const adminPassword = 'the password of the admin'

async function openAdministration(page: Page): Promise<Locator> {
  await page.goto('/lwsgs/')
  await logIn(page, 'admin', adminPassword)
  await page.getByRole('button', { name: 'Administration' }).click()
  await expect(page.getByRole('heading', { name: 'Administration' })).toBeVisible()
  return page.locator('.gs-widget')
}

const inNewContext = async (browser: Browser) => (await browser.newContext()).newPage()

/** Types a name into the search and opens the one account of this name. */
async function openAccount(admin: Locator, username: string): Promise<void> {
  await admin.getByRole('searchbox', { name: 'Search by name or address' }).fill(username)
  await admin.getByRole('row').getByRole('button', { name: username, exact: true }).click()
  await expect(admin.getByRole('heading', { name: username, exact: true })).toBeFocused()
}

const fact = (admin: Locator, name: string) =>
  admin.locator('.gs-facts > div', { has: admin.page().getByText(name, { exact: true }) }).first()

test('an admin finds an account, keeps its owner out and lets him in again', async ({ page, browser }) => {
  const bobsPage = await inNewContext(browser)
  const bob = await becomeMember(bobsPage, 'bob')
  await expect(bobsPage.getByRole('heading', { name: bob.username })).toBeVisible()
  const faults = watchForFaults(page)
  const admin = await openAdministration(page)

  await test.step('searches by part of the address, and by state', async () => {
    const search = admin.getByRole('searchbox', { name: 'Search by name or address' })
    await search.fill('no such account')
    await expect(admin.getByRole('status').filter({ hasText: 'No account fits.' })).toBeVisible()
    await search.fill(`  ${bob.email.toUpperCase()} `)
    await expect(admin.getByRole('status').filter({ hasText: 'Shown: 1' })).toBeVisible()
    await expect(admin.getByRole('row')).toHaveCount(2)
    await keepScreens(page, 'admin-01-accounts')
    await admin.getByRole('combobox', { name: 'Show' }).selectOption('Locked')
    await expect(admin.getByText('No account fits.')).toBeVisible()
    await admin.getByRole('combobox', { name: 'Show' }).selectOption('All')
  })

  await test.step('locks it: the page of its owner shows it within a second', async () => {
    await openAccount(admin, bob.username)
    await expect(admin.getByText('Open pages')).toBeVisible()
    await keepScreens(page, 'admin-02-account')
    await admin.getByRole('button', { name: 'Lock', exact: true }).click()
    await expect(bobsPage.getByText('This account was locked.')).toBeVisible({ timeout: 1500 })
    await expect(bobsPage.getByRole('heading', { name: 'Log in' })).toBeVisible()
    await expect(admin.getByText('The account is locked.')).toBeVisible()
    await expect(admin.getByRole('button', { name: 'Unlock' })).toBeFocused()
    await expect(admin.getByText('Not logged in anywhere.')).toBeVisible()
    await expect(fact(admin, 'Locked since')).toBeVisible()
  })

  await test.step('goes back: the list knows, and the focus is where it was', async () => {
    await admin.getByRole('button', { name: 'All accounts' }).click()
    await expect(admin.getByRole('row').getByRole('button', { name: bob.username })).toBeFocused()
    await expect(admin.getByRole('row', { name: bob.username })).toContainText('Locked')
  })

  await test.step('unlocks it', async () => {
    await admin.getByRole('row').getByRole('button', { name: bob.username }).click()
    await admin.getByRole('button', { name: 'Unlock' }).click()
    await expect(admin.getByText('The account is unlocked.')).toBeVisible()
    await logIn(bobsPage, bob.username)
    await expect(bobsPage.getByRole('heading', { name: bob.username })).toBeVisible()
  })

  await test.step('finds it all in the history', async () => {
    await admin.getByRole('button', { name: 'History of this account' }).click()
    await expect(admin.getByRole('heading', { name: 'History' })).toBeFocused()
    await expect(admin.getByRole('listitem')).toHaveCount(2)
    await expect(admin.getByRole('listitem').first()).toContainText(`Unlocked ${bob.username}`)
    await expect(admin.getByRole('listitem').last()).toContainText('by admin')
    await keepScreens(page, 'admin-03-history')
    await admin.getByRole('button', { name: 'Show all' }).click()
    await admin.getByRole('button', { name: bob.username }).first().click()
    await expect(admin.getByRole('heading', { name: bob.username })).toBeFocused()
    await admin.getByRole('button', { name: 'Back' }).click()
    await expect(admin.getByRole('heading', { name: 'History' })).toBeFocused()
  })

  faults.expectNone()
  await bobsPage.context().close()
})

test('an admin puts an account into a group, which lends it its level, and has it choose a new password', async ({ page, browser }) => {
  const paul = await becomeMember(await inNewContext(browser), 'paul')
  const faults = watchForFaults(page)
  await page.goto('/lwsgs/')
  await logIn(page, 'admin', adminPassword)
  await expect(page.getByRole('button', { name: 'Administration' })).toBeVisible()
  const name = newName('editors').username
  const added = await page.request.post('/lwsgs/admin/groups', { data: { name, level: 25 } })
  expect(added.ok(), await added.text()).toBe(true)
  const { group } = (await added.json()) as { group: { id: string } }
  const admin = page.locator('.gs-widget')
  await page.getByRole('button', { name: 'Administration' }).click()
  await openAccount(admin, paul.username)

  await admin.getByRole('combobox', { name: 'Group' }).selectOption(name)
  await admin.getByRole('button', { name: 'Save rights' }).click()
  await expect(admin.getByText('The rights are saved.')).toBeVisible()
  await expect(fact(admin, 'Level')).toContainText('25')
  await expect(fact(admin, 'Group')).toContainText(name)
  await expect(admin.getByRole('textbox', { name: 'Own level' })).toHaveValue('10')

  await admin.getByRole('button', { name: 'Ask for a new password' }).click()
  await expect(admin.getByText('The account must choose a new password.')).toBeVisible()
  await admin.getByRole('button', { name: 'All accounts' }).click()
  await admin.getByRole('combobox', { name: 'Show' }).selectOption('Must choose a new password')
  await expect(admin.getByRole('row', { name: paul.username })).toContainText('Must choose a new password')

  await admin.getByRole('row').getByRole('button', { name: paul.username }).click()
  await admin.getByRole('combobox', { name: 'Group' }).selectOption('No group')
  await admin.getByRole('button', { name: 'Save rights' }).click()
  await expect(admin.getByText('The rights are saved.')).toBeVisible()
  await expect(fact(admin, 'Level')).toContainText('10 (user)')
  await admin.getByRole('button', { name: 'History of this account' }).click()
  await expect(admin.getByRole('listitem').filter({ hasText: 'Asked for a new password' })).toBeVisible()
  await expect(admin.getByRole('listitem').filter({ hasText: `${name} → No group` })).toBeVisible()
  expect((await page.request.delete(`/lwsgs/admin/groups/${group.id}`)).ok()).toBe(true)
  faults.expectNone()
})

test('an admin vouches for an address, and grants sectors and a level', async ({ page, browser }) => {
  const uma = newName('uma')
  const umasPage = await inNewContext(browser)
  await signUp(umasPage, uma)
  await umasPage.goto('/lwsgs/')
  await logIn(umasPage, uma.username)
  await expect(umasPage.getByText('Not verified')).toBeVisible()
  const faults = watchForFaults(page)
  const admin = await openAdministration(page)
  await openAccount(admin, uma.username)

  await admin.getByRole('button', { name: 'Mark as verified' }).click()
  await expect(admin.getByText('The address counts as verified.')).toBeVisible()
  // The button is gone.
  await expect(admin.getByRole('heading', { name: 'Access' })).toBeFocused()
  await expect(umasPage.getByText('Verified', { exact: true })).toBeVisible()

  await test.step('a wrong level is refused at its field', async () => {
    const level = admin.getByRole('textbox', { name: 'Level' })
    await level.fill('101')
    await admin.getByRole('button', { name: 'Save rights' }).click()
    await expect(admin.getByText('Please enter a whole number from 2 to 100.')).toBeVisible()
    await expect(level).toBeFocused()
    await level.fill('40')
    await expect(level.locator('xpath=../..')).toContainText('moderator')
    await admin.getByRole('checkbox', { name: 'press' }).check()
    await admin.getByRole('checkbox', { name: 'moderator' }).check()
    await level.press('Enter')
    await expect(admin.getByText('The rights are saved.')).toBeVisible()
    await expect(fact(admin, 'Level')).toContainText('40 (moderator)')
    await expect(fact(admin, 'Sectors')).toContainText('moderator, press')
  })

  await test.step('withdraws one again', async () => {
    await admin.getByRole('checkbox', { name: 'press' }).uncheck()
    await admin.getByRole('button', { name: 'Save rights' }).click()
    await expect(fact(admin, 'Sectors')).not.toContainText('press')
    await expect
      .poll(async () => ((await (await umasPage.request.get('/lwsgs/session')).json()) as { sectors: string[] }).sectors)
      .toEqual(['moderator'])
  })

  await test.step('a reload shows the same', async () => {
    await page.reload()
    await page.getByRole('button', { name: 'Administration' }).click()
    await openAccount(admin, uma.username)
    await expect(admin.getByRole('checkbox', { name: 'moderator' })).toBeChecked()
    await expect(admin.getByRole('checkbox', { name: 'press' })).not.toBeChecked()
    await expect(admin.getByRole('textbox', { name: 'Level' })).toHaveValue('40')
  })

  faults.expectNone()
  await umasPage.context().close()
})

test('an admin ends sessions, sends a link for a new password, and deletes an account', async ({ page, browser }) => {
  const [phone, desk] = [await inNewContext(browser), await inNewContext(browser)]
  const eve = await becomeMember(phone, 'eve')
  await desk.goto('/lwsgs/')
  await logIn(desk, eve.username)
  await expect(desk.getByRole('heading', { name: eve.username })).toBeVisible()
  const faults = watchForFaults(page)
  const admin = await openAdministration(page)
  await openAccount(admin, eve.username)
  const sessions = admin.getByRole('region', { name: 'Sessions' })
  await expect(sessions.getByRole('listitem')).toHaveCount(2)

  await test.step('one', async () => {
    await sessions
      .getByRole('button', { name: /^End session: Chrome on/ })
      .first()
      .click()
    await expect(sessions.getByText('The session is ended.')).toBeVisible()
    await expect(sessions.getByRole('listitem')).toHaveCount(1)
    await expect(sessions.getByRole('heading')).toBeFocused()
  })

  await test.step('all', async () => {
    await sessions.getByRole('button', { name: 'End all sessions' }).click()
    await expect(sessions.getByText('Ended sessions: 1')).toBeVisible()
    await expect(sessions.getByText('Not logged in anywhere.')).toBeVisible()
    for (const ended of [phone, desk]) await expect(ended.getByRole('heading', { name: 'Log in' })).toBeVisible()
  })

  await test.step('makes the password void, by keyboard, after a question that can be answered with no', async () => {
    const reset = admin.getByRole('button', { name: 'Send link for a new password' })
    await reset.focus()
    await page.keyboard.press('Enter')
    await expect(admin.getByRole('group', { name: /^Send link/ })).toBeFocused()
    await page.keyboard.press('Escape')
    await expect(reset).toBeFocused()
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    await expect(admin.getByRole('button', { name: 'Make void and send' })).toBeFocused()
    await page.keyboard.press('Enter')
    await expect(admin.getByText('The password is void, and a mail is on its way.')).toBeVisible()
    await expect(admin.getByRole('heading', { name: 'Access' })).toBeFocused()
    await findMail(page.request, eve.email, /Set a new password/)
    await logIn(desk, eve.username, password)
    await expect(desk.getByText('The user name or the password is wrong.')).toBeVisible()
  })

  await test.step('sees the mail that went out', async () => {
    await admin.getByRole('button', { name: 'Mail' }).click()
    await admin.getByRole('combobox', { name: 'Show' }).selectOption('Sent')
    await expect(admin.getByRole('listitem').filter({ hasText: eve.email }).first()).toContainText('Set a new password')
    await keepScreens(page, 'admin-04-mail')
    await admin.getByRole('button', { name: 'Accounts' }).click()
  })

  await test.step('deletes it when the name is typed', async () => {
    await openAccount(admin, eve.username)
    await admin.getByRole('button', { name: 'Delete account' }).click()
    const name = admin.getByRole('textbox', { name: `To confirm, type ${eve.username}.` })
    await name.fill('somebody else')
    await admin.getByRole('button', { name: 'Delete for good' }).click()
    await expect(admin.getByText(`This is not the user name. Please type ${eve.username}.`)).toBeVisible()
    await expect(name).toBeFocused()
    await keepScreens(page, 'admin-05-delete')
    await name.fill(eve.username)
    await admin.getByRole('button', { name: 'Delete for good' }).click()
    await expect(admin.getByText(`The account ${eve.username} is deleted.`)).toBeVisible()
    await expect(admin.getByRole('heading', { name: 'Accounts' })).toBeFocused()
    await expect(admin.getByRole('button', { name: eve.username })).toHaveCount(0)
  })

  faults.expectNone()
  await Promise.all([phone, desk].map((other) => other.context().close()))
})

test('two admins at once: each is told what the other has done, and who is no admin any more is led away', async ({ page, browser }) => {
  const otherPage = await inNewContext(browser)
  const ann = await becomeMember(otherPage, 'ann')
  const zoePage = await inNewContext(browser)
  const zoe = await becomeMember(zoePage, 'zoe')
  const admin = await openAdministration(page)

  await test.step('a new admin sees what he may not change', async () => {
    await openAccount(admin, ann.username)
    await admin.getByRole('textbox', { name: 'Level' }).fill('50')
    await admin.getByRole('button', { name: 'Save rights' }).click()
    await expect(admin.getByText('The rights are saved.')).toBeVisible()
    // Without a reload: his page is told.
    await otherPage.getByRole('button', { name: 'Administration' }).click()
    await openAccount(otherPage.locator('.gs-widget'), ann.username)
    await expect(otherPage.getByText('This is your own account.')).toBeVisible()
    await expect(otherPage.getByRole('button', { name: 'Lock', exact: true })).toHaveCount(0)
    await otherPage.getByRole('button', { name: 'All accounts' }).click()
    await openAccount(otherPage.locator('.gs-widget'), 'admin')
    await expect(otherPage.getByText('This account is defined in the configuration')).toBeVisible()
    await otherPage.getByRole('button', { name: 'All accounts' }).click()
  })

  await test.step('an account that the other one has raised cannot be changed any more', async () => {
    const other = otherPage.locator('.gs-widget')
    await openAccount(other, zoe.username)
    await admin.getByRole('button', { name: 'All accounts' }).click()
    await openAccount(admin, zoe.username)
    await admin.getByRole('textbox', { name: 'Level' }).fill('60')
    await admin.getByRole('button', { name: 'Save rights' }).click()
    await expect(admin.getByText('The rights are saved.')).toBeVisible()
    await other.getByRole('button', { name: 'Lock', exact: true }).click()
    await expect(other.getByText('Only somebody of a higher level may change this account.')).toBeVisible()
    await expect(other.getByRole('heading', { name: zoe.username })).toBeFocused()
    await expect(other.getByRole('button', { name: 'Lock', exact: true })).toHaveCount(0)
    await expect(zoePage.getByRole('heading', { name: zoe.username })).toBeVisible()
  })

  await test.step('an account that the other one has deleted is gone', async () => {
    const other = otherPage.locator('.gs-widget')
    await other.getByRole('button', { name: 'All accounts' }).click()
    await expect(other.getByRole('row').getByRole('button', { name: zoe.username })).toBeVisible()
    await admin.getByRole('button', { name: 'Delete account' }).click()
    await admin.getByRole('textbox', { name: /^To confirm/ }).fill(zoe.username)
    await admin.getByRole('button', { name: 'Delete for good' }).click()
    await expect(admin.getByText(`The account ${zoe.username} is deleted.`)).toBeVisible()
    await other.getByRole('row').getByRole('button', { name: zoe.username }).click()
    await expect(other.getByText('This account has been deleted in the meantime.')).toBeVisible()
    await expect(other.getByRole('heading', { name: 'Accounts' })).toBeFocused()
  })

  await test.step('his rights are taken while he looks at the administration', async () => {
    await openAccount(admin, ann.username)
    await admin.getByRole('textbox', { name: 'Level' }).fill('10')
    await admin.getByRole('button', { name: 'Save rights' }).click()
    await expect(admin.getByText('The rights are saved.')).toBeVisible()
    await expect(otherPage.getByRole('heading', { name: 'Administration' })).toHaveCount(0, { timeout: 1500 })
    await expect(otherPage.getByRole('heading', { name: ann.username })).toBeVisible()
  })

  await Promise.all([otherPage, zoePage].map((other) => other.context().close()))
})

test('the administration works by keyboard, from right to left, and with long names', async ({ page }) => {
  const admin = await openAdministration(page)
  const long = `${'W'.repeat(30)}<b>x</b>&amp;`
  const agent = `Mozilla/5.0 ${'<script>alert(1)</script>'.repeat(18)}`
  await page.route('**/lwsgs/admin/accounts?*', async (route) => {
    const answer = await route.fetch()
    const json = (await answer.json()) as { accounts: object[] }
    const stranger = {
      ...json.accounts[0],
      id: 'long',
      username: long,
      email: `${'m'.repeat(64)}@${'d'.repeat(60)}.example`,
      changeable: true,
      sectors: ['x'.repeat(60)]
    }
    await route.fulfill({ response: answer, json: { ...json, accounts: [stranger], next: null } })
  })
  await page.route('**/lwsgs/admin/accounts/long', (route) => route.abort())
  await page.route('**/lwsgs/admin/sessions?*', (route) => {
    const session = {
      id: 's',
      current: false,
      createdAt: 1e12,
      lastActiveAt: 1e12,
      expiresAt: 2e12,
      remember: true,
      ip: '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff',
      userAgent: agent,
      pages: 2,
      sockets: 0,
      accountId: 'long',
      username: long
    }
    return route.fulfill({ json: { sessions: [session], next: null } })
  })
  await admin.getByRole('searchbox').fill('adm')
  const row = admin.getByRole('row').getByRole('button', { name: long, exact: true })
  await expect(row).toBeVisible()
  await keepScreens(page, 'admin-06-long-list')
  await row.focus()
  await page.keyboard.press('Enter')
  await expect(admin.getByRole('heading', { name: long })).toBeFocused()
  await expect(admin.getByText(agent)).toBeVisible()
  await keepScreens(page, 'admin-07-long-account')
  await page.evaluate(() => {
    document.querySelector('.gs-widget')!.setAttribute('dir', 'rtl')
  })
  await keepScreens(page, 'admin-08-right-to-left')
})

test('a long list comes page by page, and the focus goes to the first account that is new', async ({ page }) => {
  const admin = await openAdministration(page)
  await page.route('**/lwsgs/admin/accounts?*', async (route) => {
    const answer = await route.fetch({
      url: route
        .request()
        .url()
        .replace(/&after=[^&]*/, '')
    })
    const json = (await answer.json()) as { accounts: object[] }
    const second = route.request().url().includes('after=2nd')
    const accounts = Array.from({ length: second ? 3 : 20 }, (_, index) => {
      const username = `${second ? 'late' : 'early'}${index}`
      return { ...json.accounts[0], id: username, username, email: null }
    })
    await route.fulfill({ response: answer, json: { ...json, accounts, next: second ? null : '2nd' } })
  })
  await admin.getByRole('searchbox').fill('adm')
  await expect(admin.getByText('Shown: 20, and there are more.')).toBeVisible()
  await admin.getByRole('button', { name: 'Show more' }).click()
  await expect(admin.getByText('Shown: 23')).toBeVisible()
  await expect(admin.getByRole('row', { name: 'late0' })).toBeFocused()
  await expect(admin.getByRole('button', { name: 'Show more' })).toHaveCount(0)
})

test('mail that waits can be sent now or dropped, and a lost connection is said with a way to try again', async ({ page }) => {
  const admin = await openAdministration(page)
  const waiting = (id: string) => ({
    id,
    kind: 'verify-email',
    recipient: `${id}@mail.test`,
    state: 'waiting',
    attempts: 3,
    createdAt: 1_795_000_000_000,
    nextAttemptAt: 1_795_000_600_000,
    lastError: 'connect ECONNREFUSED 127.0.0.1:25'
  })
  let mails = [waiting('one'), waiting('two'), { ...waiting('three'), state: 'dead', nextAttemptAt: null }]
  let lost = true
  const asked: string[] = []
  await page.route('**/lwsgs/admin/mail**', async (route) => {
    const request = route.request()
    const path = new URL(request.url()).pathname.replace('/lwsgs/admin/mail', '')
    if (lost) return route.abort()
    if (path === '') return route.fulfill({ json: { mails, next: null } })
    asked.push(`${request.method()} ${path}`)
    const gone = { statusCode: 404, code: 'GS_MAIL_UNKNOWN', error: 'Not Found', message: 'This mail is not in the queue any more.' }
    if (path === '/three') return route.fulfill({ status: 404, json: gone })
    mails = mails.filter(({ id }) => !path.startsWith(`/${id}`))
    return route.fulfill({ json: { ok: true } })
  })
  await admin.getByRole('button', { name: 'Mail' }).click()
  await expect(admin.getByRole('alert')).toContainText('The server could not be reached.')
  lost = false
  await admin.getByRole('button', { name: 'Try again' }).click()
  await expect(admin.getByRole('listitem')).toHaveCount(3)
  await expect(admin.getByRole('alert')).toHaveCount(0)
  await expect(admin.getByRole('listitem').first()).toContainText('connect ECONNREFUSED')
  await keepScreens(page, 'admin-09-waiting-mail')

  await admin.getByRole('button', { name: 'Send now: Confirm the address to one@mail.test' }).click()
  await expect(admin.getByText('The mail is being sent.')).toBeVisible()
  await expect(admin.getByRole('listitem')).toHaveCount(2)
  for (const [recipient, said] of [
    ['two', 'The mail is dropped.'],
    ['three', 'This mail was not in the queue any more.']
  ] as const) {
    await admin.getByRole('button', { name: `Drop: Confirm the address to ${recipient}@mail.test` }).click()
    await admin.getByRole('button', { name: 'Drop for good' }).click()
    await expect(admin.getByText(said)).toBeVisible()
  }
  await expect(admin.getByRole('heading', { name: 'Mail' })).toBeFocused()
  await expect(admin.getByRole('listitem')).toHaveCount(0)
  expect(asked).toEqual(['POST /one/retry', 'DELETE /two', 'DELETE /three'])
})
