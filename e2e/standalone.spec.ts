import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { expect, type Page } from '@playwright/test'
import { findMail, linkIn } from './helpers/mailbox.ts'
import { logIn, newName, password } from './helpers/visitor.ts'
import { test } from './standalone/site-test.ts'

const address = (query: Readonly<Record<string, string>> = {}) => `/?${new URLSearchParams(query)}`
const heading = (page: Page, name: string) => page.getByRole('heading', { name, exact: true })
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
const field = (page: Page, name: string) => page.getByLabel(name, { exact: true })

async function signUp(page: Page, who: { username: string; email: string }): Promise<void> {
  await page.goto('/')
  await button(page, 'Sign up').click()
  await field(page, 'User name').fill(who.username)
  await field(page, 'E-mail').fill(who.email)
  await field(page, 'Password').fill(password)
  await button(page, 'Sign up').click()
  await expect(heading(page, 'Check your mail')).toBeVisible()
}

async function becomeMember(page: Page, base: string): Promise<{ username: string; email: string }> {
  const who = newName(base)
  await signUp(page, who)
  await page.goto(linkIn(await findMail(page.request, who.email, /Confirm your address/)))
  await button(page, 'Confirm my address').click()
  await expect(heading(page, who.username)).toBeVisible()
  return who
}

test('a plain page under default-src self takes somebody through every flow', async ({ page, browser, site }) => {
  const who = await test.step('sign up and verify', () => becomeMember(page, 'plain'))
  expect(await page.evaluate('[lwsgs_user, lwsgs_auth, lwsgs_email]')).toEqual([who.username, '5', who.email])

  await test.step('log out and in', async () => {
    await button(page, 'Log out').click()
    await expect(heading(page, 'Log in')).toBeVisible()
    await logIn(page, who.username)
    await expect(heading(page, who.username)).toBeVisible()
  })

  await test.step('change the password', async () => {
    await button(page, 'Account').click()
    await button(page, 'Change password').click()
    await field(page, 'Current password').fill(password)
    await field(page, 'New password').fill('a quite different phrase')
    await button(page, 'Change password').click()
    await expect(page.getByText('Your password is changed.')).toBeVisible()
  })

  await test.step('change the address', async () => {
    await button(page, 'Account').click()
    await button(page, 'Change e-mail').click()
    await field(page, 'New e-mail').fill(`new-${who.email}`)
    await field(page, 'Current password').fill('a quite different phrase')
    await button(page, 'Change e-mail').click()
    await expect(page.getByText('We sent a mail to the new address.')).toBeVisible()
    await page.goto(linkIn(await findMail(page.request, `new-${who.email}`, /./)))
    await page.locator('form').getByRole('button').first().click()
    await expect(heading(page, who.username)).toBeVisible()
    await button(page, 'Account').click()
    await expect(page.getByRole('definition').filter({ hasText: `new-${who.email}` })).toBeVisible()
  })

  await test.step('end the session of another browser, which notices', async () => {
    const context = await browser.newContext({ baseURL: site })
    const other = await context.newPage()
    await other.goto('/')
    await logIn(other, who.username, 'a quite different phrase')
    await expect(heading(other, who.username)).toBeVisible()
    await button(page, 'Sessions').click()
    await button(page, 'End all other sessions').click()
    await expect(page.getByText('All other sessions are ended.')).toBeVisible()
    await expect(heading(other, 'Log in')).toBeVisible()
    await expect(other.getByText('This session was ended from elsewhere.')).toBeVisible()
    await context.close()
  })

  await test.step('delete the account', async () => {
    await button(page, 'Back').click()
    await button(page, 'Delete account').click()
    await field(page, 'User name').fill(who.username)
    await field(page, 'Current password').fill('a quite different phrase')
    await button(page, 'Delete account').click()
    await expect(page.getByText('Your account is deleted.')).toBeVisible()
  })
})

test('who has forgotten the password gets a new one', async ({ page }) => {
  const who = await becomeMember(page, 'forgetful')
  await button(page, 'Log out').click()
  await button(page, 'Forgot password?').click()
  await field(page, 'User name or e-mail').fill(who.email)
  await button(page, 'Send link').click()
  await expect(page.getByText('If there is such an account, a mail is on its way.')).toBeVisible()
  await page.goto(linkIn(await findMail(page.request, who.email, /Set a new password/)))
  await button(page, 'Go on').click()
  await field(page, 'New password').fill('a quite different phrase')
  await button(page, 'Set new password').click()
  await expect(page.getByText('Your password is changed.')).toBeVisible()
})

test('the login is one script of at most 16 kB', async ({ page, watch }) => {
  const loaded: string[] = []
  page.on('request', (request) => loaded.push(new URL(request.url()).pathname))
  await page.goto('/')
  await expect(heading(page, 'Log in')).toBeVisible()
  await page.waitForLoadState('networkidle')
  expect(loaded.filter((path) => path !== '/favicon.ico')).toEqual(['/', '/lwsgs/lwsgs.js', '/lwsgs/session'])
  expect(watch.parts).toEqual([])
  const script = readFileSync(fileURLToPath(import.meta.resolve('gs-ui/lwsgs.js')))
  expect(gzipSync(script, { level: 9 }).length).toBeLessThanOrEqual(16_384)
})

for (const how of ['defer', 'async', 'head', 'end', 'old']) {
  test(`the widget is there once when the script stands so: ${how}`, async ({ page }) => {
    await page.goto(address({ how }))
    await expect(heading(page, 'Log in')).toBeVisible()
    await expect(page.locator('.gs-widget')).toHaveCount(1)
    if (how === 'old') expect(await page.evaluate('seen')).toEqual(['', '0', ''])
    await page.evaluate('lwsgs_initial()')
    await expect(page.locator('.gs-widget')).toHaveCount(1)
  })
}

test('a mount that rewrites the script tells it who is logged in before anything is asked', async ({ page, watch }) => {
  const query = { script: '/rewritten/lwsgs.js', of: 'data-prefix="/lwsgs"', how: 'old' }
  const who = await becomeMember(page, 'rewritten')
  await page.goto(address(query))
  expect(await page.evaluate('seen')).toEqual([who.username, '5', who.email])
  await expect(heading(page, who.username)).toBeVisible()
  // The parts come from beside the script.
  expect(watch.parts).toContain('/rewritten/lwsgs-account.js')
  await button(page, 'Log out').click()
  await expect(heading(page, 'Log in')).toBeVisible()
  expect(await page.evaluate('[lwsgs_user, lwsgs_auth, lwsgs_email]')).toEqual(['', '0', ''])
})

for (const [of, prefix] of Object.entries({
  'data-prefix="/lwsgs/"': '/lwsgs',
  'data-prefix="lwsgs"': '/lwsgs',
  'data-prefix="https://elsewhere.test/accounts"': '/lwsgs',
  'data-prefix="//elsewhere.test"': '/lwsgs',
  'data-prefix="http://["': '/lwsgs'
})) {
  test(`it asks ${prefix} when the script says ${of}`, async ({ page }) => {
    const asked = page.waitForRequest(/\/session$/)
    await page.goto(address({ script: '/copied/lwsgs.js', of }))
    expect(new URL((await asked).url()).pathname).toBe(`${prefix}/session`)
    await expect(page.locator('.gs-widget .gs-heading')).toBeVisible()
  })
}

test('scripts of the page hear what happens, once, when the global variables say it too', async ({ page, site }) => {
  const who = newName('heard')
  await page.request.post('/lwsgs/register', { data: { ...who, password } })
  await page.request.post('/lwsgs/login', { data: { username: who.username, password } })
  await page.goto('/')
  await expect(heading(page, who.username)).toBeVisible()
  await page.evaluate(() => {
    const heard: unknown[] = []
    Object.assign(window, { heard })
    window.addEventListener('gs-event', (event) => {
      const { type, ...rest } = (event as CustomEvent<{ type: string }>).detail
      if (type !== 'sessions') heard.push([type, rest, (window as unknown as { lwsgs_auth: string }).lwsgs_auth])
    })
  })
  const heard = () => page.evaluate<unknown[][]>('heard')
  const link = new URL(linkIn(await findMail(page.request, who.email, /Confirm your address/)))
  // As another tab of this browser does it.
  await page.request.post('/lwsgs/verify-email', { data: { token: link.searchParams.get('token') } })
  await expect.poll(heard).toEqual([
    ['verified', { verified: true }, '5'],
    ['mask', { mask: 5, sectors: [] }, '5'],
    ['level', { level: 10 }, '5']
  ])
  const post = (path: string, data: object, cookie = '') =>
    fetch(`${site}/lwsgs${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', cookie },
      body: JSON.stringify(data)
    })
  const phone = await post('/login', { username: who.username, password })
  const { session } = (await phone.json()) as { session: string }
  await expect.poll(async () => (await heard()).slice(3)).toEqual([['login', { session }, '5']])
  const cookie = phone.headers.getSetCookie().map((set) => set.split(';', 1)[0])
  await post('/logout', {}, cookie.join('; '))
  await expect.poll(async () => (await heard()).slice(4)).toEqual([['logout', { session, cause: 'logout' }, '5']])
})

test.describe('when a part is missing', () => {
  test.use({ allowed: /404/ })

  test('a link to the page without scripts stands there', async ({ page }) => {
    await page.goto(address({ script: '/copied/lwsgs.js', of: 'data-prefix="/lwsgs"' }))
    await button(page, 'Sign up').click()
    await expect(page.getByRole('alert')).toContainText('This part could not be loaded.')
    await page.getByRole('link', { name: 'Go on without scripts' }).click()
    await expect(page).toHaveURL(/\/lwsgs\/lwsgs-register$/)
    await expect(page.locator('form [name="email"]')).toBeVisible()
  })

  test('a password can be chosen without a word about its strength', async ({ page }) => {
    await page.route(/lwsgs-strength\.js/, (route) => route.fulfill({ status: 404 }))
    await signUp(page, newName('weak'))
    await expect(page.getByRole('meter')).toHaveCount(0)
  })
})

test.describe('the element says', () => {
  test('which language: one part more is loaded', async ({ page, watch }) => {
    await page.goto(address({ attributes: 'data-language="de"' }))
    await expect(page.locator('.gs-widget[data-panel="login"]')).toHaveAttribute('lang', 'de')
    await expect(page.locator('.gs-widget h2')).toBeVisible()
    expect(watch.parts).toEqual(['/lwsgs/lwsgs-de.js'])
  })

  test('which theme', async ({ page }) => {
    await page.goto(address({ attributes: 'data-theme="dark"' }))
    await expect(page.locator('.gs-widget')).toHaveCSS('background-color', 'rgb(29, 32, 39)')
    await page.goto(address({ attributes: 'data-theme="light"' }))
    await expect(page.locator('.gs-widget')).toHaveCSS('background-color', 'rgb(255, 255, 255)')
  })

  test('no style, and the widget works in that of the page', async ({ page }) => {
    await page.goto(address({ attributes: 'data-unstyled' }))
    await expect(heading(page, 'Log in')).toBeVisible()
    await expect(page.locator('.gs-widget')).toHaveCSS('border-style', 'none')
    const who = await becomeMember(page, 'unstyled')
    await page.goto(address({ attributes: 'data-unstyled' }))
    await expect(heading(page, who.username)).toBeVisible()
    await expect(page.locator('.gs-avatar')).toHaveCSS('display', 'inline')
  })

  test('the hint at a new password', async ({ page }) => {
    await page.goto(address({ attributes: 'data-password-hint="At least 15 characters."' }))
    await button(page, 'Sign up').click()
    await expect(field(page, 'Password')).toHaveAccessibleDescription(/At least 15 characters\./)
  })

  test('where the page goes when the session has ended elsewhere', async ({ page, context }) => {
    const who = await becomeMember(page, 'leaver')
    await page.goto(address({ attributes: 'data-when-ended="/goodbye"' }))
    await expect(heading(page, who.username)).toBeVisible()
    const other = await context.newPage()
    await other.goto('/')
    await button(other, 'Log out').click()
    await expect(heading(page, 'Goodbye')).toBeVisible()
    await expect(page).toHaveURL(/\/goodbye\?next=%2F%3Fattributes/)
  })

  test('that the page is loaded again, once, when the session has ended elsewhere', async ({ page, context }) => {
    const who = await becomeMember(page, 'leaver')
    await page.goto(address({ attributes: 'data-when-ended="reload"' }))
    await expect(heading(page, who.username)).toBeVisible()
    let loads = 0
    page.on('load', () => loads++)
    const loaded = page.waitForEvent('load')
    const other = await context.newPage()
    await other.goto('/')
    await button(other, 'Log out').click()
    await loaded
    await expect(heading(page, 'Log in')).toBeVisible()
    expect(loads).toBe(1)
  })
})

test.describe('while a password is chosen', () => {
  test('its strength is said in words, with a reason and a way out', async ({ page, watch }) => {
    await page.goto('/')
    await button(page, 'Sign up').click()
    await field(page, 'User name').fill('zaphodbeeble')
    expect(watch.parts).toEqual(['/lwsgs/lwsgs-guest.js'])
    const input = field(page, 'Password')
    await input.focus()
    await expect.poll(() => watch.parts).toEqual(['/lwsgs/lwsgs-guest.js', '/lwsgs/lwsgs-strength.js'])
    await expect(page.getByRole('meter')).toHaveCount(0)

    const meter = page.getByRole('meter', { name: 'Strength of the password' })
    await input.pressSequentially('password')
    await expect(meter).toHaveAttribute('aria-valuetext', 'Very weak')
    await expect(input).toHaveAccessibleDescription(/This is one of the ten most used passwords\. ?Add a word or two/)
    await input.fill('zaphodbeeble7')
    await expect(page.getByText('Your name, your address and the name of this site are guessed first.')).toBeVisible()
    await input.fill(password)
    await expect(page.getByText('Strong', { exact: true })).toBeVisible()
    await expect(page.getByText('Add a word or two')).toHaveCount(0)
    await input.fill('')
    await expect(meter).toHaveCount(0)
  })

  test('nothing moves under a pointer on its way to the button when the estimate comes', async ({ page }) => {
    const late = Promise.withResolvers<void>()
    await page.route('**/lwsgs-strength.js*', async (route) => {
      await late.promise
      await route.continue()
    })
    await page.goto('/')
    await button(page, 'Sign up').click()
    await field(page, 'Password').pressSequentially('password')
    const place = () => button(page, 'Sign up').boundingBox()
    const before = await place()
    late.resolve()
    await expect(page.getByRole('meter')).toBeVisible()
    expect(await place()).toEqual(before)
  })

  test('it is sent nowhere to be spelt when it is shown', async ({ page }) => {
    await page.goto('/')
    await button(page, 'Show password').click()
    await expect(field(page, 'Password')).toHaveAttribute('type', 'text')
    await expect(field(page, 'Password')).toHaveJSProperty('spellcheck', false)
  })

  test('Caps Lock is noticed', async ({ page }) => {
    await page.goto('/')
    const input = field(page, 'Password')
    await input.focus()
    const press = (isOn: boolean) =>
      input.evaluate((element, on) => {
        element.dispatchEvent(new KeyboardEvent('keydown', { key: 'a', bubbles: true, modifierCapsLock: on }))
      }, isOn)
    await press(true)
    await expect(input).toHaveAccessibleDescription('Caps Lock is on.')
    await press(false)
    await expect(page.getByText('Caps Lock is on.')).toHaveCount(0)
    await press(true)
    await field(page, 'User name or e-mail').focus()
    await expect(page.getByText('Caps Lock is on.')).toHaveCount(0)
  })
})
