import { AxeBuilder } from '@axe-core/playwright'
import { expect, type Locator, type Page } from '@playwright/test'
import { walks } from './helpers/panels.ts'
import { call, join, joinAsAdmin, mustChoosePassword, register, test } from './helpers/people.ts'
import { logIn, password } from './helpers/visitor.ts'

/** What axe finds, in a line for each element. */
async function faultsOf(page: Page, rules: readonly string[] | null): Promise<string[]> {
  // Legacy mode opens no further tab; there are no frames that would need one.
  const axe = new AxeBuilder({ page }).setLegacyMode()
  if (rules === null) axe.options({ rules: { 'target-size': { enabled: true } } })
  else axe.withRules([...rules])
  const { violations } = await axe.analyze()
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary = '' }) => `${id}: ${target.join(' ')} ${failureSummary.replaceAll(/\s+/g, ' ')}`)
  )
}

/** Headings that leave out a level, or do not begin at the first one. */
async function skippedHeadings(page: Page): Promise<string[]> {
  return page.locator('h1, h2, h3, h4, h5, h6').evaluateAll((headings) => {
    const levels = headings.map(({ tagName }) => Number(tagName.slice(1)))
    return headings.filter((_, index) => levels[index]! > (levels[index - 1] ?? 0) + 1).map(({ outerHTML }) => outerHTML)
  })
}

// What fades in at the moment has not its colours yet, and on the board something may at any time.
test.beforeEach(({ page }) => page.emulateMedia({ reducedMotion: 'reduce' }))

for (const [name, walk] of Object.entries(walks)) {
  test(`axe finds nothing: ${name}`, async ({ page, mailbox }) => {
    await walk(page, mailbox, async (state) => {
      expect.soft(await skippedHeadings(page), state).toEqual([])
      await page.emulateMedia({ colorScheme: 'light' })
      expect.soft(await faultsOf(page, null), `${state}, light`).toEqual([])
      await page.emulateMedia({ colorScheme: 'dark' })
      // What the scheme changes.
      expect.soft(await faultsOf(page, ['color-contrast', 'link-in-text-block']), `${state}, dark`).toEqual([])
    })
  })
}

test('the letters of an avatar can be read on each of its colours', async ({ page, mailbox }) => {
  await join(page, mailbox, 'coloured')
  for (const [path, avatars] of [
    ['/lwsgs/', '.gs-avatar'],
    ['/lwsgs/lwsgs-change', '.avatar']
  ] as const) {
    await page.goto(path)
    await expect(page.locator(avatars)).toBeVisible()
    // All of them beside each other.
    await page.locator(avatars).evaluate((avatar) => {
      for (let hue = 0; hue < 8; hue++) {
        const other = avatar.cloneNode(true) as HTMLElement
        other.dataset['hue'] = String(hue)
        avatar.before(other)
      }
    })
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      expect(await faultsOf(page, ['color-contrast']), `${path}, ${colorScheme}`).toEqual([])
    }
  }
})

/** Names of the controls of the widget as a screen reader reads them, in their order. */
async function controls(page: Page): Promise<string[]> {
  const snapshot = await page.locator('.gs-widget').ariaSnapshot()
  return [...snapshot.matchAll(/- (button|textbox|checkbox|link|heading|searchbox|combobox|spinbutton) "([^"]*)"/g)].map(
    ([, role, name]) => `${role} ${name}`
  )
}

const heading = (page: Page, name: string) => page.getByRole('heading', { name, exact: true })
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })

test('a screen reader finds each control of a guest by its role and name', async ({ page }) => {
  await page.goto('/lwsgs/')
  await expect(page.getByRole('region', { name: 'Your account' })).toBeVisible()
  await expect(heading(page, 'Log in')).toBeVisible()
  expect(await controls(page)).toEqual([
    'heading Log in',
    'textbox User name or e-mail',
    'textbox Password',
    'button Show password',
    'checkbox Keep me logged in',
    'button Log in',
    'button Forgot password?',
    'button Sign up',
    'button Log in with a code by mail'
  ])
  await button(page, 'Sign up').click()
  await expect(heading(page, 'Sign up')).toBeFocused()
  expect(await controls(page)).toEqual([
    'heading Sign up',
    'textbox User name',
    'textbox E-mail',
    'textbox Password',
    'button Show password',
    'button Sign up',
    'button Log in'
  ])
  await button(page, 'Log in').click()
  await expect(heading(page, 'Log in')).toBeFocused()
  await button(page, 'Forgot password?').click()
  await expect(heading(page, 'Forgot password?')).toBeFocused()
  expect(await controls(page)).toEqual(['heading Forgot password?', 'textbox User name or e-mail', 'button Send link', 'button Log in'])
  await button(page, 'Log in').click()
  await button(page, 'Log in with a code by mail').click()
  await expect(heading(page, 'Log in with a code')).toBeFocused()
  expect(await controls(page)).toEqual([
    'heading Log in with a code',
    'textbox User name or e-mail',
    'button Send code',
    'button I have a code already',
    'button Log in with the password'
  ])
  await button(page, 'I have a code already').click()
  await expect(page.getByRole('textbox', { name: 'User name or e-mail' })).toBeFocused()
  expect(await controls(page)).toEqual([
    'heading Log in with a code',
    'textbox User name or e-mail',
    'textbox Code from the mail',
    'checkbox Keep me logged in',
    'button Log in',
    'button Send another code',
    'button Log in with the password'
  ])
})

test('a screen reader finds each control of a member by its role and name', async ({ page, mailbox }) => {
  const who = await join(page, mailbox, 'heard')
  await page.goto('/lwsgs/')
  await expect(heading(page, who.username)).toBeVisible()
  expect(await controls(page)).toEqual([`heading ${who.username}`, 'button Account', 'button Log out'])
  const panels = {
    'Change password': [
      'textbox Current password',
      'button Show current password',
      'textbox New password',
      'button Show new password',
      'button Change password',
      'button Forgot password?'
    ],
    'Change e-mail': ['textbox New e-mail', 'textbox Current password', 'button Show current password', 'button Change e-mail'],
    Sessions: [],
    'Delete account': ['textbox User name', 'textbox Current password', 'button Show current password', 'button Delete account']
  }
  await button(page, 'Account').click()
  for (const [name, inside] of Object.entries(panels)) {
    await expect(heading(page, 'Account')).toBeFocused()
    await button(page, name).click()
    await expect(heading(page, name)).toBeFocused()
    if (name === 'Sessions') await expect(page.getByRole('list', { name: 'Your sessions' }).getByRole('listitem')).toHaveCount(1)
    expect(await controls(page)).toEqual([`heading ${name}`, ...inside, 'button Back'])
    await button(page, 'Back').click()
  }
})

test('a screen reader finds what is open to who must choose a new password', async ({ page, mailbox, browser }) => {
  const who = await join(page, mailbox, 'heard.must')
  await mustChoosePassword(browser, who.username)
  await page.goto('/lwsgs/')
  await expect(heading(page, 'Choose a new password')).toBeVisible()
  expect(await controls(page)).toEqual([
    'heading Choose a new password',
    'textbox Current password',
    'button Show current password',
    'textbox New password',
    'button Show new password',
    'button Set new password',
    'button Forgot password?',
    'button Log out'
  ])
})

/** The element is there before it speaks: a screen reader says only what changes in what it knows. */
async function speaks(region: Locator, act: () => Promise<void>, text: RegExp): Promise<void> {
  await expect(region).toHaveCount(1)
  await expect(region).toBeEmpty()
  const before = await region.elementHandle()
  await act()
  await expect(region).toHaveText(text)
  expect(await region.evaluate((now, then) => now === then, before)).toBe(true)
}

test('what is announced is announced by an element that was there before', async ({ page }) => {
  const who = await register(page, 'announced')
  await page.goto('/lwsgs/')
  await expect(heading(page, 'Log in')).toBeVisible()
  const notice = page.locator('.gs-notice')
  await expect(notice).toHaveRole('status')
  await button(page, 'Sign up').click()
  const name = page.getByRole('textbox', { name: 'User name' })
  await expect(name).toBeVisible()
  const live = page.locator('[aria-live="polite"]')
  await speaks(live.first(), () => name.fill(who.username), /This name is taken\./)
  await expect(name).toHaveAccessibleDescription('This name is taken.')
  await button(page, 'Log in').click()
  await button(page, 'Forgot password?').click()
  await page.getByRole('textbox', { name: 'User name or e-mail' }).fill(who.username)
  await speaks(notice, () => button(page, 'Send link').click(), /a mail is on its way/)
})

test('what an admin does is announced beside where it is done', async ({ page, mailbox }) => {
  const who = await join(page, mailbox, 'governed')
  await joinAsAdmin(page)
  await page.goto('/lwsgs/')
  await button(page, 'Administration').click()
  await page.getByRole('searchbox').fill(who.username)
  await button(page, who.username).click()
  const access = page.getByRole('region', { name: 'Access' })
  await expect(access).toBeVisible()
  await speaks(access.getByRole('status'), () => access.getByRole('button', { name: 'Lock' }).click(), /The account is locked\./)
})

test('a refused field says why, and has the focus', async ({ page }) => {
  const who = await register(page, 'refused')
  await page.goto('/lwsgs/')
  const name = page.getByRole('textbox', { name: 'User name or e-mail' })
  const secret = page.getByRole('textbox', { name: 'Password' })
  await expect(name).toHaveAttribute('aria-invalid', 'false')
  await button(page, 'Log in').click()
  await expect(name).toBeFocused()
  await expect(name).toHaveAttribute('aria-invalid', 'true')
  await expect(name).toHaveAccessibleDescription('Please enter your user name or e-mail address.')
  await expect(secret).toHaveAccessibleDescription('Please enter your password.')
  await logIn(page, who.username, 'not the right password')
  await expect(secret).toBeFocused()
  await expect(secret).toHaveAccessibleDescription('The user name or the password is wrong.')
  await expect(name).toHaveAttribute('aria-invalid', 'false')
  await secret.fill(password)
  await expect(secret).toHaveAccessibleDescription('')
})

test('the first panel of a page leaves the focus where it is', async ({ page }) => {
  const who = await register(page, 'arriving')
  await call(page, '/login', { username: who.username, password })
  await page.goto('/lwsgs/')
  await expect(heading(page, who.username)).toBeVisible()
  await expect(page.locator(':focus')).toHaveCount(0)
})
