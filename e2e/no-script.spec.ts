import { expect, test, type Browser, type Locator, type Page } from '@playwright/test'
import { findMail, linkIn } from './helpers/mailbox.ts'
import { keepScreens, newName, password, watchForFaults } from './helpers/visitor.ts'

const newPassword = 'another four word phrase'

/** A visitor whose browser runs no script, with cookies of his own. */
async function visitor(browser: Browser): Promise<Page> {
  return (await browser.newContext({ javaScriptEnabled: false })).newPage()
}

/** Goes there by the keyboard alone. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  await expect(target).toBeVisible()
  for (let pressed = 0; pressed < 80; pressed += 1) {
    if (await target.evaluate((element) => element === element.ownerDocument.activeElement)) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`the keyboard does not reach ${target.toString()}`)
}

/** Types into fields by their labels and presses the button, all by the keyboard. */
async function fill(page: Page, fields: Readonly<Record<string, string>>, button: string, part: Page | Locator = page): Promise<void> {
  for (const [label, text] of Object.entries(fields)) {
    await tabTo(page, part.getByLabel(label, { exact: true }))
    await page.keyboard.press('ControlOrMeta+a')
    await page.keyboard.insertText(text)
  }
  await tabTo(page, part.getByRole('button', { name: button, exact: true }))
  await page.keyboard.press('Enter')
}

async function follow(page: Page, link: string): Promise<void> {
  await tabTo(page, page.getByRole('link', { name: link, exact: true }))
  await page.keyboard.press('Enter')
}

const part = (page: Page, heading: string) => page.getByRole('region', { name: heading, exact: true })

async function signUp(page: Page, who: { username: string; email: string }): Promise<void> {
  await page.goto('/lwsgs/lwsgs-register')
  await fill(page, { 'User name': who.username, 'E-mail address': who.email, Password: password, 'Password again': password }, 'Sign up')
  await expect(page.getByRole('status')).toHaveText(/sent you a mail/)
  await page.goto(linkIn(await findMail(page.request, who.email, /Confirm your address/)))
  await fill(page, {}, 'Confirm my address')
  await expect(page).toHaveURL(/gs=verified/)
}

async function logIn(page: Page, username: string, typed: string): Promise<void> {
  await page.goto('/lwsgs/lwsgs-login')
  await fill(page, { 'User name or e-mail address': username, Password: typed }, 'Log in')
}

test('an account from its beginning to its end, without scripts and without a mouse', async ({ browser }) => {
  const page = await visitor(browser)
  const faults = watchForFaults(page)
  const who = newName('plain')
  const newEmail = `new-${who.email}`

  await page.goto('/lwsgs/')
  await keepScreens(page, '60-no-script-board')
  await follow(page, 'Log in')
  await keepScreens(page, '61-no-script-login')
  await follow(page, 'Sign up')
  await fill(
    page,
    { 'User name': who.username, 'E-mail address': who.email, Password: 'too short', 'Password again': 'too short' },
    'Sign up'
  )
  const refused = page.getByLabel('Password', { exact: true })
  await expect(refused).toHaveAttribute('aria-invalid', 'true')
  await expect(refused).toHaveAccessibleDescription(/at least 15 characters/i)
  await expect(refused).toBeFocused()
  await expect(refused).toHaveValue('')
  await expect(page.getByLabel('E-mail address', { exact: true })).toHaveValue(who.email)
  await keepScreens(page, '62-no-script-sign-up-refused')
  await fill(page, { Password: password, 'Password again': password }, 'Sign up')
  await expect(page.getByRole('status')).toHaveText(/sent you a mail/)

  await page.goto(linkIn(await findMail(page.request, who.email, /Confirm your address/)))
  await keepScreens(page, '63-no-script-confirm')
  await fill(page, {}, 'Confirm my address')
  await follow(page, 'Your account')
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(`Settings of ${who.username}`)
  await expect(page.getByText('Verified', { exact: true })).toBeVisible()
  await keepScreens(page, '64-no-script-account')

  await fill(page, {}, 'Log out')
  await expect(page.getByRole('status')).toHaveText('You are logged out.')
  await fill(page, { 'User name or e-mail address': who.username, Password: 'not the right password' }, 'Log in')
  await expect(page.getByLabel('Password', { exact: true })).toBeFocused()
  await expect(page.getByLabel('Password', { exact: true })).toHaveAccessibleDescription(/wrong/)
  await expect(page.getByLabel('User name or e-mail address')).toHaveValue(who.username)
  await keepScreens(page, '65-no-script-login-refused')
  await fill(page, { Password: password }, 'Log in')
  await expect(page.getByRole('status')).toHaveText('You are logged in.')
  await follow(page, 'Your account: password, address, devices')

  await fill(
    page,
    { 'Current password': password, 'New password': newPassword, 'New password again': newPassword },
    'Change',
    part(page, 'Change your password')
  )
  await expect(page.getByRole('status')).toHaveText(/password is changed/)

  await fill(
    page,
    { 'New e-mail address': newEmail, 'Current password': newPassword },
    'Send me a link',
    part(page, 'Change your e-mail address')
  )
  await expect(page.getByRole('status')).toHaveText(/new address/)
  await page.goto(linkIn(await findMail(page.request, newEmail, /Confirm your new address/)))
  await fill(page, {}, 'Confirm my new address')
  await expect(page).toHaveURL(/gs=emailchanged/)
  await page.goto('/lwsgs/lwsgs-change')
  await expect(page.getByText(newEmail)).toBeVisible()
  const undo = linkIn(await findMail(page.request, who.email, /e-mail address .* was changed/))

  const other = await visitor(browser)
  await logIn(other, who.username, newPassword)
  await expect(other.getByRole('status')).toHaveText('You are logged in.')
  await page.reload()
  await expect(part(page, 'Where you are logged in').getByRole('listitem')).toHaveCount(2)
  await keepScreens(page, '66-no-script-sessions')
  await tabTo(page, page.getByRole('button', { name: /^End the session of Chrome on Linux/ }))
  await page.keyboard.press('Enter')
  await expect(page.getByRole('status')).toHaveText('That session is ended.')
  await other.goto('/lwsgs/lwsgs-change')
  await expect(other.getByRole('heading', { level: 1 })).toHaveText('Log in')
  await logIn(other, who.username, newPassword)
  await expect(other.getByRole('status')).toHaveText('You are logged in.')
  await page.reload()
  await fill(page, {}, 'End all others')
  await expect(page.getByRole('status')).toHaveText('All other sessions are ended.')
  await other.reload()
  await follow(other, 'Forgot your password?')
  await fill(other, { 'User name or e-mail address': newEmail }, 'Send me a link')
  await expect(other.getByRole('status')).toHaveText(/mail with a link is on its way/)
  await other.goto(linkIn(await findMail(other.request, newEmail, /Set a new password/)))
  await fill(other, {}, 'Go on')
  await expect(other.getByRole('status')).toHaveText(/set a new one now/)
  await keepScreens(other, '67-no-script-new-password')
  await fill(other, { 'New password': password, 'New password again': password }, 'Change')
  await expect(other.getByRole('status')).toHaveText(/password is changed/)

  await page.goto(undo)
  await fill(page, {}, 'Undo the change')
  await expect(page).toHaveURL(/gs=emailrestored/)
  await page.goto('/lwsgs/lwsgs-change')
  await expect(page.getByText(who.email)).toBeVisible()
  await expect(page.getByText(newEmail)).toHaveCount(0)
  await fill(page, { 'New password': newPassword, 'New password again': newPassword }, 'Change')
  await expect(page.getByRole('status')).toHaveText(/password is changed/)

  const removal = part(page, 'Delete your account')
  const confirm = `Type your user name, ${who.username}, to confirm`
  await fill(page, { [confirm]: 'somebody else', 'Current password': newPassword }, 'Delete my account', removal)
  await expect(page.getByLabel(confirm)).toHaveAccessibleDescription(/type your user name/)
  await keepScreens(page, '68-no-script-delete-refused')
  await fill(page, { [confirm]: who.username, 'Current password': newPassword }, 'Delete my account', removal)
  await expect(page.getByRole('status')).toHaveText('Your account is deleted.')
  await logIn(page, who.username, newPassword)
  await expect(page.getByLabel('Password', { exact: true })).toHaveAccessibleDescription(/wrong/)
  // Chromium writes every answer above 399 into its console.
  faults.expectNone(/status of 40[0-9]/)
})

test('an admin locks and unlocks somebody, without scripts and without a mouse', async ({ browser }) => {
  const member = await visitor(browser)
  const who = newName('locked')
  await signUp(member, who)

  const page = await visitor(browser)
  const faults = watchForFaults(page)
  await page.goto('/lwsgs/lwsgs-admin')
  await fill(page, { 'User name or e-mail address': 'admin', Password: 'the password of the admin' }, 'Log in')
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Accounts')
  await fill(page, { 'Part of a user name or address': who.username }, 'Search')
  await keepScreens(page, '69-no-script-admin-accounts')
  await follow(page, who.username)
  await keepScreens(page, '70-no-script-admin-account')
  await fill(page, {}, 'Lock')
  await expect(page.getByText('Locked', { exact: true }).first()).toBeVisible()
  await member.goto('/lwsgs/lwsgs-change')
  await expect(member.getByRole('heading', { level: 1 })).toHaveText('Log in')
  await logIn(member, who.username, password)
  await expect(member.getByRole('alert')).toHaveText(/This account is locked/)
  await keepScreens(member, '71-no-script-locked')

  await fill(page, {}, 'Unlock')
  await expect(page.getByRole('status')).toHaveText('The change is made.')
  await logIn(member, who.username, password)
  await expect(member.getByRole('status')).toHaveText('You are logged in.')
  await follow(page, 'Mail')
  await keepScreens(page, '72-no-script-admin-mail')
  await follow(page, 'Audit')
  await expect(page.getByRole('listitem').filter({ hasText: 'unlock' }).first()).toContainText('admin')
  await keepScreens(page, '73-no-script-admin-audit')
  faults.expectNone()
})
