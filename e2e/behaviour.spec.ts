import { expect, type Locator, type Page } from '@playwright/test'
import { call, join, joinAsAdmin, logInElsewhere, register, test } from './helpers/people.ts'
import { logIn, newName, password } from './helpers/visitor.ts'

const heading = (page: Page, name: string) => page.getByRole('heading', { name, exact: true })
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
const field = (page: Page, name: string) => page.getByLabel(name, { exact: true })
const says = (page: Page, text: string) => expect(page.getByRole('status').filter({ hasText: text })).toBeVisible()
/** A second, and what a busy machine takes; ms. */
const soon = 2000
const unreachable = 'The server could not be reached. Check your connection and try again.'

test.describe('the live check of a name', () => {
  const state = (page: Page) => page.locator('[data-name]')

  async function openSignUp(page: Page): Promise<Locator> {
    await page.goto('/lwsgs/')
    await button(page, 'Sign up').click()
    await expect(heading(page, 'Sign up')).toBeVisible()
    return field(page, 'User name')
  }

  test('asks once typing rests, and not at each key', async ({ page }) => {
    await page.clock.install()
    const asked: (string | null)[] = []
    page.on('request', (request) => {
      const { pathname, searchParams } = new URL(request.url())
      if (pathname === '/lwsgs/check') asked.push(searchParams.get('username'))
    })
    const name = await openSignUp(page)
    await page.clock.pauseAt(Date.now() + 3_600_000)
    const { username } = newName('typed')
    await name.pressSequentially(username)
    await page.clock.runFor(299)
    expect(asked).toEqual([])
    await page.clock.runFor(1)
    await expect(state(page)).toHaveText('This name is free.')
    expect(asked).toEqual([username])
  })

  test('shows no answer to an older question', async ({ page }) => {
    const late = Promise.withResolvers<void>()
    const gone = Promise.withResolvers<void>()
    await page.route('**/lwsgs/check?username=first', async (route) => {
      await late.promise
      // The page does not wait for it any more.
      await route.fulfill({ json: { available: false } }).catch(() => undefined)
      gone.resolve()
    })
    const name = await openSignUp(page)
    const asked = page.waitForRequest('**/lwsgs/check?username=first')
    await name.fill('first')
    await asked
    await name.fill(newName('second').username)
    await expect(state(page)).toHaveText('This name is free.')
    late.resolve()
    await gone.promise
    await expect(state(page)).toHaveText('This name is free.')
  })

  for (const typed of ['a b&c=%', 'ä+ö/ü?#', '100%25']) {
    test(`asks for exactly what was typed: ${typed}`, async ({ page }) => {
      const name = await openSignUp(page)
      const asked = page.waitForResponse((response) => new URL(response.url()).pathname === '/lwsgs/check')
      await name.fill(typed)
      const { searchParams } = new URL((await asked).url())
      expect([...searchParams]).toEqual([['username', typed]])
      await expect(state(page)).not.toBeEmpty()
    })
  }
})

test('what was typed is still there after an attempt without a network, and is sent when it is back', async ({ page, context }) => {
  const who = newName('offline')
  await page.goto('/lwsgs/')
  await button(page, 'Sign up').click()
  await field(page, 'User name').fill(who.username)
  await field(page, 'E-mail').fill(who.email)
  await field(page, 'Password').fill(password)
  await context.setOffline(true)
  await button(page, 'Sign up').click()
  await expect(page.getByRole('alert')).toHaveText(unreachable)
  await expect(field(page, 'User name')).toHaveValue(who.username)
  await expect(field(page, 'E-mail')).toHaveValue(who.email)
  await expect(field(page, 'Password')).toHaveValue(password)
  await context.setOffline(false)
  await button(page, 'Sign up').click()
  await expect(heading(page, 'Check your mail')).toBeVisible()
})

test('a part that cannot be loaded says so, and leads to the page that needs no script', async ({ page }) => {
  await page.route('**/assets/guest-panels-*.js', (route) => route.abort())
  await page.goto('/lwsgs/')
  await button(page, 'Sign up').click()
  await expect(page.getByRole('alert')).toContainText('This part could not be loaded.')
  await page.getByRole('link', { name: 'Go on without scripts' }).click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Sign up')
})

test('after too many attempts it counts down, quietly, and says when to try again', async ({ page }) => {
  const who = await register(page, 'hasty')
  let wait = '65'
  await page.clock.install()
  await page.route('**/lwsgs/login', (route) =>
    route.fulfill({
      status: 429,
      headers: { 'retry-after': wait },
      json: {
        statusCode: 429,
        code: 'GS_TOO_MANY_ATTEMPTS',
        error: 'Too Many Requests',
        message: 'Too many attempts. Please wait and try again.'
      }
    })
  )
  await page.goto('/lwsgs/')
  await expect(button(page, 'Log in')).toBeVisible()
  await page.clock.pauseAt(Date.now() + 3_600_000)
  await logIn(page, who.username)
  const alert = page.getByRole('alert')
  const timer = page.getByRole('timer')
  await expect(alert).toHaveText('Too many attempts. Please wait and try again.')
  await expect(timer).toHaveText('Again in 1:05')
  await expect(alert.getByRole('timer')).toHaveCount(0)
  await page.clock.runFor(6000)
  await expect(timer).toHaveText('Again in 0:59')
  await page.clock.runFor(59_000)
  await expect(timer).toHaveCount(0)
  await expect(page.getByText('You can try again now.')).toBeVisible()
  wait = '86400'
  await button(page, 'Log in').click()
  await expect(timer).toHaveText('Again in 24:00:00')
  await page.unroute('**/lwsgs/login')
  await button(page, 'Log in').click()
  await expect(heading(page, who.username)).toBeVisible()
})

test('Caps Lock is told at the password and nowhere else', async ({ page }) => {
  await page.goto('/lwsgs/')
  const input = field(page, 'Password')
  const hint = page.getByText('Caps Lock is on.')
  // A browser under test cannot turn it on.
  const press = (target: Locator, capsLock: boolean) =>
    target.evaluate(
      (element, modifierCapsLock) => element.dispatchEvent(new KeyboardEvent('keydown', { key: 'a', bubbles: true, modifierCapsLock })),
      capsLock
    )
  await press(field(page, 'User name or e-mail'), true)
  await expect(hint).toHaveCount(0)
  await input.focus()
  await press(input, true)
  await expect(hint).toBeVisible()
  await expect(input).toHaveAccessibleDescription('Caps Lock is on.')
  await press(input, false)
  await expect(hint).toHaveCount(0)
  await press(input, true)
  await expect(hint).toBeVisible()
  await field(page, 'User name or e-mail').focus()
  await expect(hint).toHaveCount(0)
})

test('a session that ends under a form leads to the login within a second, and back to what was typed', async ({ page, mailbox }) => {
  const who = await join(page, mailbox, 'ended')
  await page.goto('/lwsgs/')
  await button(page, 'Account').click()
  await button(page, 'Change e-mail').click()
  await field(page, 'New e-mail').fill('half of an addr')
  await field(page, 'Current password').fill(password)
  // Open pages are counted once their stream stands.
  const elsewhere = await logInElsewhere(who)
  await expect
    .poll(async () => {
      const { sessions } = (await (await elsewhere('/sessions', {})).json()) as { sessions: { current: boolean; pages: number }[] }
      return sessions.find(({ current }) => !current)?.pages
    })
    .toBe(1)
  const ended = await elsewhere('/sessions', { method: 'DELETE' })
  expect(ended.status).toBe(200)
  await expect(heading(page, 'Log in')).toBeVisible({ timeout: soon })
  await says(page, 'This session was ended from elsewhere. Please log in again.')
  await logIn(page, who.username)
  await expect(heading(page, 'Change e-mail')).toBeVisible()
  await expect(field(page, 'New e-mail')).toHaveValue('half of an addr')
  await expect(field(page, 'Current password')).toHaveValue('')
})

test('a late answer tells somebody who has gone on, and leaves him where he is', async ({ page, mailbox }) => {
  const sent = Promise.withResolvers<void>()
  const late = Promise.withResolvers<void>()
  await page.route('**/lwsgs/change-password', async (route) => {
    sent.resolve()
    await late.promise
    await route.continue()
  })
  await join(page, mailbox, 'hasty')
  await page.goto('/lwsgs/')
  await button(page, 'Account').click()
  await button(page, 'Change password').click()
  await field(page, 'Current password').fill(password)
  await field(page, 'New password').fill(`${password} again`)
  await button(page, 'Change password').click()
  await sent.promise
  await button(page, 'Back').click()
  await button(page, 'Change e-mail').click()
  await field(page, 'New e-mail').fill('other@mail.test')
  late.resolve()
  await says(page, 'Your password is changed.')
  await expect(heading(page, 'Change e-mail')).toBeVisible()
  await expect(field(page, 'New e-mail')).toHaveValue('other@mail.test')
})

test('the next person at the browser finds nothing of what the one before typed', async ({ page, mailbox }) => {
  const next = await register(page, 'next')
  const who = await join(page, mailbox, 'before')
  await page.goto('/lwsgs/')
  await button(page, 'Account').click()
  await button(page, 'Change e-mail').click()
  await field(page, 'New e-mail').fill('secret@mail.test')
  const elsewhere = await logInElsewhere(who)
  await elsewhere('/sessions', { method: 'DELETE' })
  await expect(heading(page, 'Log in')).toBeVisible()
  await logIn(page, next.username)
  await expect(heading(page, next.username)).toBeVisible()
  await button(page, 'Account').click()
  await button(page, 'Change e-mail').click()
  await expect(field(page, 'New e-mail')).toHaveValue('')
})

const session = {
  username: null,
  email: null,
  verified: false,
  admin: false,
  mustChangePassword: false,
  mask: 0,
  level: 1,
  sectors: [],
  ip: '127.0.0.1',
  session: 'abc',
  expiresAt: 4_102_444_800_000,
  csrfToken: 'abc'
}

const hostile: Readonly<Record<string, Parameters<import('@playwright/test').Route['fulfill']>[0]>> = {
  'a page of HTML': { contentType: 'text/html', body: '<img src=x onerror="document.title=\'run\'">' },
  'a page of HTML that calls itself JSON': { contentType: 'application/json', body: '<img src=x onerror="document.title=\'run\'">' },
  'a 500 with HTML in its sentence': {
    status: 500,
    json: { code: 'GS_INTERNAL', message: '<img src=x onerror="document.title=\'run\'">', statusCode: 500 }
  },
  'a 500 of some other server': { status: 500, contentType: 'text/html', body: '<h1>nginx</h1>' },
  'ten megabytes': { json: { ...session, username: 'x'.repeat(10_000_000) } },
  'another shape': { json: { user: { toString: 1 } } },
  'an object for a name': { json: { ...session, username: { toString: 1 } } },
  'a string for a number': { json: { ...session, mask: '8' } },
  'objects among the sectors': { json: { ...session, sectors: [{}] } },
  'an array': { json: [session] },
  null: { json: null },
  'an empty answer': { status: 200, contentType: 'application/json', body: '' },
  'a redirect to elsewhere': { status: 302, headers: { location: 'http://127.0.0.1:9/session' } }
}

for (const [what, answer] of Object.entries(hostile)) {
  test(`${what} in place of the session is an error that one can get over`, async ({ page }) => {
    await page.route('**/lwsgs/session', (route) => route.fulfill(answer))
    await page.goto('/lwsgs/')
    const widget = page.locator('.gs-widget')
    await expect(widget).toHaveAttribute('data-state', 'failed')
    await expect(widget.getByRole('alert')).not.toBeEmpty()
    await expect(widget.locator('img, h1')).toHaveCount(0)
    await expect(page).toHaveTitle('Message board')
    await page.unroute('**/lwsgs/session')
    await button(page, 'Try again').click()
    await expect(button(page, 'Log in')).toBeVisible()
  })
}

test('a name that looks like HTML is text', async ({ page }) => {
  const username = '<img src=x onerror="document.title=\'run\'">'
  const somebody = { ...session, username, email: `${username}@mail.test`, mask: 1, level: 10 }
  await page.route('**/lwsgs/session', (route) => route.fulfill({ json: somebody }))
  // Without a stream the widget asks here, and must hear the same.
  await page.route('**/lwsgs/events', (route) =>
    route.request().headers()['accept'] === 'application/json' ? route.fulfill({ json: somebody }) : route.fulfill({ status: 204 })
  )
  await page.goto('/lwsgs/')
  await expect(heading(page, username)).toBeVisible()
  await button(page, 'Account').click()
  await expect(page.getByText(`${username}@mail.test`)).toBeVisible()
  await expect(page.locator('.gs-widget img')).toHaveCount(0)
  await expect(page).toHaveTitle('Message board')
})

test.describe('log out', () => {
  /** What any script of the page could read, but the time zone, which belongs to the browser and not to who uses it. */
  const stored = (page: Page) =>
    page.evaluate(() => {
      const cookies = document.cookie.split('; ').filter((cookie) => !cookie.startsWith('gs-tz='))
      return [...Object.values(localStorage), ...Object.values(sessionStorage), ...cookies].filter(Boolean)
    })
  /** How high the card will be; not who it is for. */
  const card = ['member']

  test('leaves nothing behind', async ({ page, mailbox }) => {
    await join(page, mailbox, 'leaving')
    await page.goto('/lwsgs/')
    await expect.poll(() => stored(page)).toEqual(card)
    await button(page, 'Log out').click()
    await says(page, 'You are logged out.')
    await expect(heading(page, 'Log in')).toBeFocused()
    await expect.poll(() => stored(page)).toEqual([])
    expect(((await (await page.request.get('/lwsgs/session')).json()) as { username: unknown }).username).toBeNull()
    await page.reload()
    await expect(heading(page, 'Log in')).toBeVisible()
  })

  const failures: Readonly<Record<string, { sentence: string; fail: (page: Page) => Promise<void>; mend: (page: Page) => Promise<void> }>> =
    {
      'without a network': {
        sentence: unreachable,
        fail: (page) => page.context().setOffline(true),
        mend: (page) => page.context().setOffline(false)
      },
      'of a server that fails': {
        sentence: 'Something went wrong on the server.',
        fail: async (page) => {
          const error = {
            statusCode: 500,
            code: 'GS_INTERNAL',
            error: 'Internal Server Error',
            message: 'Something went wrong on the server.'
          }
          await page.route('**/lwsgs/logout', (route) => route.fulfill({ status: 500, json: error }))
        },
        mend: (page) => page.unroute('**/lwsgs/logout')
      }
    }

  for (const [what, { sentence, fail, mend }] of Object.entries(failures)) {
    test(`${what} says so, and works later`, async ({ page, mailbox }) => {
      const who = await join(page, mailbox, 'staying')
      await page.goto('/lwsgs/')
      await expect(button(page, 'Log out')).toBeVisible()
      await fail(page)
      await button(page, 'Log out').click()
      await expect(page.getByRole('alert')).toContainText(sentence)
      // The cookie still opens the account; to say otherwise would be a lie.
      await expect(heading(page, who.username)).toBeVisible()
      expect(await stored(page)).toEqual(card)
      await mend(page)
      await button(page, 'Log out').click()
      await expect(heading(page, 'Log in')).toBeVisible()
    })
  }
})

test.describe('two tabs', () => {
  test('log out together', async ({ page, context, mailbox }) => {
    const who = await join(page, mailbox, 'tabbed')
    const other = await context.newPage()
    for (const tab of [page, other]) {
      await tab.goto('/lwsgs/')
      await expect(heading(tab, who.username)).toBeVisible()
    }
    await button(page, 'Log out').click()
    await expect(heading(other, 'Log in')).toBeVisible({ timeout: soon })
    await says(other, 'You are logged out.')
  })

  test('follow another user before anything else is done', async ({ page, context, mailbox }) => {
    const second = await register(page, 'second')
    const first = await join(page, mailbox, 'first')
    const other = await context.newPage()
    for (const tab of [page, other]) {
      await tab.goto('/lwsgs/')
      await expect(heading(tab, first.username)).toBeVisible()
    }
    await button(other, 'Account').click()
    await button(other, 'Change password').click()
    await field(other, 'New password').fill('what the first one typed')
    await button(page, 'Log out').click()
    await logIn(page, second.username)
    await expect(heading(page, second.username)).toBeVisible()
    await expect(heading(other, second.username)).toBeVisible()
    await expect(field(other, 'New password')).toHaveCount(0)
  })

  test('see the rights that an admin takes away', async ({ page, browser, mailbox }) => {
    const who = await join(page, mailbox, 'locked.out')
    await page.goto('/lwsgs/')
    await expect(heading(page, who.username)).toBeVisible()
    const office = await browser.newContext()
    const desk = await office.newPage()
    await joinAsAdmin(desk)
    const found = (await (await desk.request.get(`/lwsgs/admin/accounts?search=${who.username}`)).json()) as { accounts: { id: string }[] }
    await call(desk, `/admin/accounts/${found.accounts[0]!.id}/lock`, {})
    await expect(heading(page, 'Log in')).toBeVisible({ timeout: soon })
    await says(page, 'This account was locked.')
    await office.close()
  })
})
