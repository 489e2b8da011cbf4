import { expect, type APIRequestContext, type Page } from '@playwright/test'
import { boardWalk } from './board-walk.ts'
import { call, forget, join, joinAsAdmin, logInElsewhere, mustChoosePassword, register } from './people.ts'
import { findMail, linkIn } from './mailbox.ts'
import { newName, password } from './visitor.ts'

/** Called with each state of the page that is reached, and its name. */
type Look = (name: string) => Promise<void>

/** Goes through states of the widget or of pages, by nothing that depends on the language. */
export type Walk = (page: Page, mailbox: APIRequestContext, look: Look) => Promise<void>

async function shows(page: Page, panel: string): Promise<void> {
  await expect(page.locator(`.gs-widget[data-panel="${panel}"] .gs-heading`)).toBeVisible()
}

const field = (page: Page, name: string) => page.locator(`.gs-panel [name="${name}"]`)

/** A link below a panel, which leads to another one. */
const link = (page: Page, place: number) => page.locator('.gs-more .gs-link').nth(place)

/** A button in the account panel. */
const choice = (page: Page, place: number) => page.locator('.gs-stack > .gs-button').nth(place)

async function submit(page: Page, path: string, fields: Readonly<Record<string, string>> = {}): Promise<void> {
  for (const [name, text] of Object.entries(fields)) await field(page, name).fill(text)
  await page.locator(`form[action="/lwsgs${path}"] [type="submit"]`).click()
}

async function refuses(page: Page, name: string): Promise<void> {
  await expect(field(page, name)).toHaveAttribute('aria-invalid', 'true')
  await expect(field(page, name)).toBeFocused()
}

async function open(page: Page, panel: string): Promise<void> {
  await page.goto('/lwsgs/')
  await shows(page, panel)
}

const guest: Walk = async (page, mailbox, look) => {
  const taken = await register(page, 'seen')
  const hold = Promise.withResolvers<void>()
  await page.route('**/lwsgs/session', async (route) => {
    await hold.promise
    await route.abort()
  })
  await page.goto('/lwsgs/')
  await expect(page.locator('.gs-loading')).toBeVisible()
  await look('loading')
  hold.resolve()
  await expect(page.locator('.gs-failure')).toBeVisible()
  await look('unreachable')
  await page.unroute('**/lwsgs/session')
  await submit(page, '/session')
  await shows(page, 'login')
  await look('login')
  await submit(page, '/login')
  await refuses(page, 'username')
  await look('login-empty')
  await submit(page, '/login', { username: taken.username, password: 'not the right password' })
  await refuses(page, 'password')
  await look('login-refused')
  await page.route('**/lwsgs/login', (route) =>
    route.fulfill({
      status: 429,
      headers: { 'retry-after': '90' },
      json: {
        statusCode: 429,
        code: 'GS_TOO_MANY_ATTEMPTS',
        error: 'Too Many Requests',
        message: 'Too many attempts. Please wait and try again.'
      }
    })
  )
  await submit(page, '/login')
  await expect(page.locator('[role="timer"]')).toBeVisible()
  await look('login-later')
  await page.unroute('**/lwsgs/login')

  await link(page, 1).click()
  await shows(page, 'register')
  await look('register')
  await field(page, 'username').fill(taken.username)
  await expect(page.locator('[data-name="taken"]')).toBeVisible()
  await field(page, 'password').fill('qwertyuiop')
  await expect(page.locator('[data-score]')).toBeVisible()
  await look('register-weak')
  await field(page, 'password').fill('seven grumpy otters juggle')
  await expect(page.locator('[data-score="4"]')).toBeVisible()
  await look('register-strong')
  await submit(page, '/register', { email: taken.email })
  await refuses(page, 'username')
  await look('register-refused')
  const fresh = newName('shown')
  await submit(page, '/register', { ...fresh })
  await shows(page, 'verify-email')
  await look('check-mail')
  await submit(page, '/verify-email/resend')
  await expect(page.locator('.gs-notice')).not.toBeEmpty()
  await look('check-mail-again')
  await link(page, 0).click()
  await shows(page, 'login')
  await link(page, 0).click()
  await shows(page, 'forgot-password')
  await look('forgot')
  await submit(page, '/forgot-password', { username: fresh.username })
  await shows(page, 'login')
  await look('forgot-sent')
  await link(page, 2).click()
  await shows(page, 'login-code')
  await look('login-code')
  await submit(page, '/login-code', { username: fresh.username })
  await expect(field(page, 'code')).toBeFocused()
  await look('login-code-sent')
  await submit(page, '/login-code/redeem', { code: '1234 5678' })
  await refuses(page, 'code')
  await look('login-code-refused')
  await link(page, 0).click()
  await link(page, 0).click()
  await expect(field(page, 'code')).toBeVisible()
  await look('login-code-known')
  // Not a word of this walk may reach the mailbox of somebody else.
  expect((await findMail(mailbox, fresh.email, /Confirm your address/, 2)).to).toBe(fresh.email)
}

const member: Walk = async (page, mailbox, look) => {
  const early = await register(page, 'early')
  await call(page, '/login', { username: early.username, password })
  await open(page, 'badge')
  await look('badge-unverified')

  const who = await join(page, mailbox, 'shown.member')
  await open(page, 'badge')
  await look('badge')
  const toAccount = async () => {
    await page.locator('.gs-actions > .gs-button').first().click()
    await shows(page, 'account')
  }
  const back = async () => {
    await link(page, 0).click()
    await shows(page, 'account')
  }
  await toAccount()
  await look('account')

  await choice(page, 0).click()
  await shows(page, 'change-password')
  await look('change-password')
  await submit(page, '/change-password', { currentPassword: 'not the right password', password: 'a quite different phrase' })
  await refuses(page, 'currentPassword')
  await look('change-password-refused')
  await back()

  await choice(page, 1).click()
  await shows(page, 'change-email')
  await look('change-email')
  await submit(page, '/change-email', { email: 'no address', currentPassword: password })
  await refuses(page, 'email')
  await look('change-email-refused')
  await back()

  await choice(page, 2).click()
  await expect(page.locator('.gs-session')).toHaveCount(1)
  await look('sessions-alone')
  await logInElsewhere(who)
  await expect(page.locator('.gs-session')).toHaveCount(2)
  await look('sessions')
  await submit(page, '/sessions/end')
  await expect(page.locator('.gs-notice')).not.toBeEmpty()
  await look('session-ended')
  await back()

  await choice(page, 3).click()
  await shows(page, 'delete-account')
  await look('delete')
  await submit(page, '/delete-account', { confirmation: 'somebody else', currentPassword: password })
  await refuses(page, 'confirmation')
  await look('delete-refused')

  // No open page may ask for the session while the cookie changes.
  await page.goto('about:blank')
  await forget(page, mailbox, who)
  await open(page, 'new-password')
  await look('new-password')
  await page.goto('about:blank')
  const restricted = await join(page, mailbox, 'shown.must')
  await mustChoosePassword(page.context().browser()!, restricted.username)
  await open(page, 'must-change-password')
  await look('must-change-password')
  await submit(page, '/change-password', { currentPassword: 'not the right password', password: 'a quite different phrase' })
  await refuses(page, 'currentPassword')
  await look('must-change-password-refused')
  await page.goto('about:blank')
  await call(page, '/logout', {})
  await page.goto('/lwsgs/needauth/')
  await shows(page, 'login')
  await look('login-first')
}

const admin: Walk = async (page, mailbox, look) => {
  const who = await join(page, mailbox, 'governed')
  await logInElsewhere(who)
  await joinAsAdmin(page)
  await open(page, 'badge')
  await look('badge-admin')
  await page.locator('.gs-actions > .gs-button').nth(1).click()
  const rows = page.locator('.gs-table tbody tr')
  await expect(rows.first()).toBeVisible()
  await field(page, 'search').fill('no such account anywhere')
  await expect(rows).toHaveCount(0)
  await look('admin-none')
  await field(page, 'search').fill(who.username)
  await expect(rows).toHaveCount(1)
  await look('admin-accounts')
  await rows.locator('.gs-link').click()
  await expect(page.locator('[name="level"]')).toBeVisible()
  await expect(page.locator('.gs-rows > li')).toHaveCount(1)
  await look('admin-account')
  await page.locator('.gs-deed button').last().click()
  await expect(page.locator('.gs-confirm')).toBeVisible()
  await look('admin-confirm')
  await page.locator('.gs-confirm .gs-link').click()
  await page.locator('form[action$="/require-password-change"] [type="submit"]').click()
  await expect(page.locator('.gs-mark[data-mark="must-change"]')).toBeVisible()
  await look('admin-must-change')
  await page.locator('form[action$="/lock"] [type="submit"]').click()
  await expect(page.locator('.gs-mark[data-mark="locked"]')).toBeVisible()
  await look('admin-locked')
  await page.locator('.gs-page').nth(1).click()
  await page.locator('.gs-page-content select').selectOption('sent')
  await expect(page.locator('.gs-rows > li').first()).toBeVisible()
  await look('admin-mail')
  await page.locator('.gs-page').nth(2).click()
  await expect(page.locator('.gs-rows > li').first()).toBeVisible()
  await look('admin-history')
}

/** What the server itself makes: forms for browsers without scripts, and the pages behind the links in mails. */
const pages: Walk = async (page, mailbox, look) => {
  const main = (path: string) => page.goto(path).then(() => expect(page.getByRole('heading', { level: 1 })).toBeVisible())
  await main('/lwsgs/lwsgs-login')
  await look('page-login')
  await page.locator('[name="username"]').fill('nobody at all')
  await page.locator('[name="password"]').fill('not the right password')
  await page.locator('form [type="submit"], form button').first().click()
  await expect(page.locator('[aria-invalid="true"]')).toBeVisible()
  await look('page-login-refused')
  await main('/lwsgs/lwsgs-register')
  await look('page-register')
  await main('/lwsgs/lwsgs-forgot')
  await look('page-forgot')
  await main('/lwsgs/lwsgs-code')
  await look('page-login-code')
  await main('/lwsgs/lwsgs-code?have=1')
  await look('page-login-code-known')

  const who = await register(page, 'paged')
  const verification = linkIn(await findMail(mailbox, who.email, /Confirm your address/))
  await main(verification)
  await look('page-verify')
  await page.locator('main button').click()
  await shows(page, 'badge')
  await main(verification)
  await page.locator('main button').click()
  await expect(page.getByRole('alert')).toBeVisible()
  await look('page-link-used')
  await main('/lwsgs/lwsgs-change')
  await look('page-account')
  await page.goto('/lwsgs/needadmin/')
  await look('page-forbidden')
  await page.goto('/lwsgs/there/is/no/such/page')
  await look('page-not-found')

  await call(page, '/change-email', { email: `new-${who.email}`, currentPassword: password })
  const confirmation = linkIn(await findMail(mailbox, `new-${who.email}`, /Confirm your new address/))
  await main(confirmation)
  await look('page-change-email')
  await page.locator('main button').click()
  await shows(page, 'badge')
  await main(linkIn(await findMail(mailbox, who.email, /was changed/)))
  await look('page-undo-email')
  await call(page, '/forgot-password', { username: who.username })
  await main(linkIn(await findMail(mailbox, `new-${who.email}`, /Set a new password/)))
  await look('page-new-password')

  await mustChoosePassword(page.context().browser()!, who.username)
  await main('/lwsgs/lwsgs-change')
  await look('page-must-change')

  await joinAsAdmin(page)
  await main(`/lwsgs/lwsgs-admin?search=${who.username}`)
  await look('page-admin')
  await page.getByRole('link', { name: who.username }).click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(who.username)
  await look('page-admin-account')
  // It has the buttons that the one above has no more.
  const newcomer = await register(page, 'paged.newcomer')
  await main(`/lwsgs/lwsgs-admin?search=${newcomer.username}`)
  await page.getByRole('link', { name: newcomer.username }).click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(newcomer.username)
  await look('page-admin-newcomer')
  for (const end of ['s', 's-with-a-name-that-is-long'])
    await call(page, '/admin/groups', { name: `${newcomer.username}${end}`, level: 35 })
  await main('/lwsgs/lwsgs-admin/groups')
  const group = page.locator('details').last()
  await group.locator('summary').click()
  // A finger that wants to save must not delete.
  const [save, remove] = await Promise.all([0, 1].map((place) => group.getByRole('button').nth(place).boundingBox()))
  expect(remove!.y - save!.y - save!.height).toBeGreaterThanOrEqual(8)
  await look('page-admin-groups')
  await main(`/lwsgs/lwsgs-admin/mail?state=sent`)
  await look('page-admin-mail')
  await main('/lwsgs/lwsgs-admin/audit')
  await look('page-admin-audit')
}

/** All panels of the widget. */
export const widgetWalks: Readonly<Record<string, Walk>> = { guest, member, admin }

/** All that a visitor can see. */
export const walks: Readonly<Record<string, Walk>> = { ...widgetWalks, pages, board: boardWalk }
