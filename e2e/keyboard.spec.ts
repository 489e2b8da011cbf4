import { expect, type Page } from '@playwright/test'
import { Keyboard, disorderIn } from './helpers/keyboard.ts'
import { findMail, linkIn } from './helpers/mailbox.ts'
import { walks } from './helpers/panels.ts'
import { join, logInElsewhere, register, test } from './helpers/people.ts'
import { newName, password } from './helpers/visitor.ts'

const newPassword = 'a quite different phrase'

const heading = (page: Page, name: string) => page.getByRole('heading', { name, exact: true })
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
const field = (page: Page, name: string) => page.getByRole('textbox', { name, exact: true })
const says = (page: Page, text: string) => expect(page.getByRole('status').filter({ hasText: text })).toBeVisible()

test('somebody signs up, verifies, and logs in and out', async ({ page, mailbox }) => {
  const keys = new Keyboard(page)
  const who = newName('keys')

  await test.step('signs up, and is led to what is missing', async () => {
    await page.goto('/lwsgs/')
    await keys.use(button(page, 'Sign up'))
    await keys.expectAt(heading(page, 'Sign up'))
    await keys.use(button(page, 'Sign up'))
    await keys.expectAt(field(page, 'User name'))
    await keys.type(field(page, 'User name'), who.username)
    await keys.type(field(page, 'E-mail'), who.email)
    await keys.type(field(page, 'Password'), 'too short')
    await page.keyboard.press('Enter')
    await expect(field(page, 'Password')).toHaveAttribute('aria-invalid', 'true')
    await keys.expectAt(field(page, 'Password'))
    await keys.type(field(page, 'Password'), password)
    await page.keyboard.press('Enter')
    await keys.expectAt(heading(page, 'Check your mail'))
  })

  await test.step('has the mail sent again', async () => {
    await keys.use(button(page, 'Resend mail'))
    await says(page, 'a new mail is on its way')
    await keys.expectAt(button(page, 'Resend mail'))
    await keys.use(button(page, 'Resend mail'), 'Space')
    await says(page, '(2)')
  })

  await test.step('opens the link and presses its button', async () => {
    await page.goto(linkIn(await findMail(mailbox, who.email, /Confirm your address/, 3)))
    await keys.use(button(page, 'Confirm my address'))
    await expect(heading(page, who.username)).toBeVisible()
  })

  await test.step('logs out', async () => {
    await keys.use(button(page, 'Log out'))
    await keys.expectAt(heading(page, 'Log in'))
  })

  await test.step('looks at what he types, stays logged in, and logs in', async () => {
    await keys.type(field(page, 'User name or e-mail'), who.username)
    await keys.type(page.getByLabel('Password', { exact: true }), 'almost')
    await keys.use(button(page, 'Show password'))
    await keys.expectAt(button(page, 'Hide password'))
    await expect(field(page, 'Password')).toHaveAttribute('type', 'text')
    await keys.to(field(page, 'Password'), 'Shift+Tab')
    await page.keyboard.press('ControlOrMeta+a')
    await page.keyboard.type(password)
    await keys.use(button(page, 'Hide password'), 'Space')
    await expect(page.getByLabel('Password', { exact: true })).toHaveAttribute('type', 'password')
    await keys.use(page.getByRole('checkbox', { name: 'Keep me logged in' }), 'Space')
    const sent = page.waitForRequest('**/lwsgs/login')
    await keys.use(button(page, 'Log in'))
    expect((await sent).postDataJSON()).toEqual({ username: who.username, password, remember: true })
    await keys.expectAt(heading(page, who.username))
  })
})

test('somebody forgets the password and sets a new one', async ({ page, mailbox }) => {
  const keys = new Keyboard(page)
  const who = await register(page, 'forgetful')
  await page.goto('/lwsgs/')
  await keys.type(field(page, 'User name or e-mail'), who.username)
  await keys.use(button(page, 'Forgot password?'))
  await keys.expectAt(heading(page, 'Forgot password?'))
  await expect(field(page, 'User name or e-mail')).toHaveValue(who.username)
  await keys.use(button(page, 'Send link'))
  await keys.expectAt(heading(page, 'Log in'))
  await says(page, 'If there is such an account, a mail is on its way.')
  await page.goto(linkIn(await findMail(mailbox, who.email, /Set a new password/)))
  await keys.use(button(page, 'Go on'))
  await expect(heading(page, 'Set new password')).toBeVisible()
  await keys.type(page.getByLabel('New password', { exact: true }), newPassword)
  await page.keyboard.press('Enter')
  await keys.expectAt(heading(page, who.username))
  await says(page, 'Your password is changed.')
})

test('somebody changes password and address, ends a session, and deletes the account', async ({ page, mailbox }) => {
  const keys = new Keyboard(page)
  const who = await join(page, mailbox, 'keyed')
  const current = page.getByLabel('Current password', { exact: true })
  await page.goto('/lwsgs/')
  await keys.use(button(page, 'Account'))
  await keys.expectAt(heading(page, 'Account'))

  await test.step('changes the password', async () => {
    await keys.use(button(page, 'Change password'))
    await keys.expectAt(heading(page, 'Change password'))
    await keys.type(current, 'not the right password')
    await keys.type(page.getByLabel('New password', { exact: true }), newPassword)
    await keys.use(button(page, 'Change password'))
    await expect(current).toHaveAttribute('aria-invalid', 'true')
    await keys.expectAt(current)
    await keys.type(current, password)
    await keys.use(button(page, 'Change password'))
    await keys.expectAt(heading(page, who.username))
    await says(page, 'Your password is changed.')
    await keys.use(button(page, 'Account'))
  })

  await test.step('changes the address', async () => {
    await keys.use(button(page, 'Change e-mail'))
    await keys.expectAt(heading(page, 'Change e-mail'))
    await keys.type(field(page, 'New e-mail'), `new-${who.email}`)
    await keys.type(current, newPassword)
    await page.keyboard.press('Enter')
    await keys.expectAt(heading(page, 'Account'))
    await says(page, 'We sent a mail to the new address.')
    await page.goto(linkIn(await findMail(mailbox, `new-${who.email}`, /Confirm your new address/)))
    await keys.use(button(page, 'Confirm my new address'))
    await says(page, 'Your e-mail address is changed.')
  })

  await test.step('ends one of three sessions, and the rest', async () => {
    await logInElsewhere(who, newPassword)
    await logInElsewhere(who, newPassword)
    await keys.use(button(page, 'Account'))
    await keys.use(button(page, 'Sessions'))
    await keys.expectAt(heading(page, 'Sessions'))
    const entries = page.getByRole('list', { name: 'Your sessions' }).getByRole('listitem')
    const ends = page.getByRole('button', { name: /^End session/ })
    await expect(entries).toHaveCount(3)
    await keys.use(ends.first())
    await expect(entries).toHaveCount(2)
    await says(page, 'That session is ended.')
    // The entry that stands there now; holding the key down does not end it too.
    await keys.expectAt(entries.nth(1))
    await logInElsewhere(who, newPassword)
    await expect(entries).toHaveCount(3)
    await keys.use(button(page, 'End all other sessions'))
    await expect(entries).toHaveCount(1)
    await keys.expectAt(heading(page, 'Sessions'))
    await keys.use(button(page, 'Back'))
    await keys.expectAt(heading(page, 'Account'))
  })

  await test.step('deletes the account', async () => {
    await keys.use(button(page, 'Delete account'))
    await keys.expectAt(heading(page, 'Delete account'))
    await keys.type(field(page, 'User name'), 'somebody else')
    await keys.type(current, newPassword)
    await keys.use(button(page, 'Delete account'))
    await keys.expectAt(field(page, 'User name'))
    await keys.type(field(page, 'User name'), who.username)
    await keys.use(button(page, 'Delete account'))
    await keys.expectAt(heading(page, 'Log in'))
    await says(page, 'Your account is deleted.')
  })
})

test('an admin finds, locks and unlocks somebody', async ({ page, mailbox }) => {
  const keys = new Keyboard(page)
  const who = await join(page, mailbox, 'looked.after')
  await page.context().clearCookies()
  await page.goto('/lwsgs/')
  await keys.type(field(page, 'User name or e-mail'), 'admin')
  await keys.type(page.getByLabel('Password', { exact: true }), 'the password of the admin')
  await page.keyboard.press('Enter')
  await keys.expectAt(heading(page, 'admin'))
  await keys.use(button(page, 'Administration'))
  await keys.expectAt(heading(page, 'Administration'))

  const rows = page.getByRole('table', { name: 'Accounts' }).getByRole('rowheader')
  await keys.type(page.getByRole('searchbox', { name: 'Search by name or address' }), who.username)
  await expect(rows).toHaveCount(1)
  const state = page.getByRole('combobox', { name: 'Show' })
  await keys.to(state)
  await page.keyboard.press('ArrowDown')
  await expect(state).toHaveValue('verified')
  await expect(rows).toHaveCount(1)
  await keys.use(button(page, who.username))
  await keys.expectAt(heading(page, who.username))

  await keys.use(button(page, 'Lock'))
  await says(page, 'The account is locked.')
  await expect(page.locator('.gs-widget :focus')).toHaveCount(1)
  await keys.use(button(page, 'Unlock'))
  await says(page, 'The account is unlocked.')
  await expect(page.locator('.gs-widget :focus')).toHaveCount(1)

  await keys.use(button(page, 'Delete account'))
  await expect(page.getByRole('group', { name: /^Delete account/ })).toBeFocused()
  await page.keyboard.press('Escape')
  await keys.expectAt(button(page, 'Delete account'))
  await keys.to(button(page, 'All accounts'), 'Shift+Tab')
  await page.keyboard.press('Enter')
  await keys.expectAt(button(page, who.username))
  // The other way round the whole board would have to be passed, with a button at each post for who may delete it.
  await keys.to(button(page, 'Mail'), 'Shift+Tab')
  await page.keyboard.press('Enter')
  await keys.expectAt(heading(page, 'Mail'))
  await keys.to(button(page, 'History'), 'Shift+Tab')
  await page.keyboard.press('Enter')
  await keys.expectAt(heading(page, 'History'))
  await keys.to(button(page, 'Close'), 'Shift+Tab')
  await page.keyboard.press('Enter')
  await keys.expectAt(heading(page, 'admin'))
})

for (const [name, walk] of Object.entries(walks)) {
  test(`the keyboard goes in the order in which people read: ${name}`, async ({ page, mailbox }) => {
    await walk(page, mailbox, async (state) => {
      // The columns of a page may stand in any order.
      for (const column of await page.locator('.gs-widget, main').all()) expect.soft(await disorderIn(column), state).toEqual([])
    })
  })
}
