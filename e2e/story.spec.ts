import { expect, test } from '@playwright/test'
import { findMail, linkIn } from './helpers/mailbox.ts'
import { becomeMember, keepScreens, logIn, logOut, newName, password, post, signUp, watchForFaults } from './helpers/visitor.ts'

test('a visitor signs up, verifies, posts live, loses and recovers the password, and leaves', async ({ page, browser }) => {
  const faults = watchForFaults(page)
  const alice = newName('alice')
  const texts = page.getByRole('log').getByRole('listitem')

  await test.step('arrives', async () => {
    await page.goto('/')
    await expect(page).toHaveURL(/\/lwsgs\/$/)
    await expect(page.getByRole('heading', { name: 'Log in' })).toBeVisible()
    await expect(page.getByRole('heading', { name: 'One board, live on every screen' })).toBeVisible()
    await keepScreens(page, '01-arrival')
  })

  await test.step('signs up', async () => {
    await page.getByRole('button', { name: 'Sign up' }).click()
    await keepScreens(page, '02-sign-up')
    await signUp(page, alice)
    await keepScreens(page, '03-check-your-mail')
  })

  await test.step('reads the mail in the mailbox', async () => {
    const mail = await findMail(page.request, alice.email, /Confirm your address/)
    expect(mail.text).toContain(`Hello ${alice.username},`)
    await page.goto('/mailbox/')
    await expect(page.getByText(alice.email).first()).toBeVisible()
    await keepScreens(page, '04-mailbox')
  })

  await test.step('opens the link twice, which does nothing, and presses the button', async () => {
    const link = linkIn(await findMail(page.request, alice.email, /Confirm your address/))
    await page.goto(link)
    await page.reload()
    await keepScreens(page, '05-confirm-page')
    expect(((await (await page.request.get('/lwsgs/session')).json()) as { mask: number }).mask).toBe(0)
    await page.getByRole('button', { name: 'Confirm my address' }).click()
    await expect(page).toHaveURL(/\/lwsgs\/$/)
    await expect(page.getByText('Your e-mail address is verified.')).toBeVisible()
    await expect(page.getByRole('heading', { name: alice.username })).toBeVisible()
  })

  await test.step('logs out and in again', async () => {
    await logOut(page)
    await logIn(page, alice.username)
    await expect(page.getByRole('heading', { name: alice.username })).toBeVisible()
    await expect(page.getByText('Live', { exact: true })).toBeVisible()
    await keepScreens(page, '06-board')
  })

  await test.step('posts, and a second browser sees it arrive', async () => {
    const second = await (await browser.newContext()).newPage()
    const bob = await becomeMember(second, 'bob')
    await expect(second.getByText('Live', { exact: true })).toBeVisible()
    const text = `Hello from ${alice.username} <b>bold?</b>`
    await post(page, text)
    const arrived = second.getByRole('log').getByRole('listitem').filter({ hasText: text })
    await expect(arrived).toHaveCount(1)
    await expect(arrived).toContainText(alice.username)
    await expect(arrived.getByRole('time')).toBeVisible()
    await post(second, `And hello from ${bob.username}`)
    await expect(texts.filter({ hasText: `And hello from ${bob.username}` })).toHaveCount(1)
    await expect(texts.filter({ hasText: text })).toHaveCount(1)
    await keepScreens(page, '07-posts')
    await second.context().close()
  })

  await test.step('loses the password and sets a new one by mail', async () => {
    await logOut(page)
    await page.getByRole('button', { name: 'Forgot password?' }).click()
    await keepScreens(page, '08-forgot-password')
    await page.getByLabel('User name or e-mail').fill(alice.email)
    await page.getByRole('button', { name: 'Send link' }).click()
    await expect(page.getByText('If there is such an account, a mail is on its way.')).toBeVisible()
    await page.goto(linkIn(await findMail(page.request, alice.email, /Set a new password/)))
    await keepScreens(page, '09-forgot-page')
    await page.getByRole('button', { name: 'Go on' }).click()
    await expect(page.getByRole('heading', { name: 'Set new password' })).toBeVisible()
    await keepScreens(page, '10-new-password')
    await page.getByLabel('New password', { exact: true }).fill('a quite different phrase')
    await page.getByRole('button', { name: 'Set new password' }).click()
    await expect(page.getByText('Your password is changed.')).toBeVisible()
    await findMail(page.request, alice.email, /was changed/)
  })

  await test.step('the old password is dead, the new one works', async () => {
    await logOut(page)
    await logIn(page, alice.username, password)
    await expect(page.getByText('The user name or the password is wrong.')).toBeVisible()
    await logIn(page, alice.username, 'a quite different phrase')
    await expect(page.getByRole('heading', { name: alice.username })).toBeVisible()
  })

  await test.step('deletes the account', async () => {
    await page.getByRole('button', { name: 'Account' }).click()
    await keepScreens(page, '11-account')
    await page.getByRole('button', { name: 'Delete account' }).click()
    await page.getByLabel('User name').fill(alice.username)
    await page.getByLabel('Current password', { exact: true }).fill('a quite different phrase')
    await keepScreens(page, '12-delete-account')
    await page.getByRole('button', { name: 'Delete account' }).click()
    await expect(page.getByText('Your account is deleted.')).toBeVisible()
    await expect(page.getByRole('heading', { name: 'Log in' })).toBeVisible()
    await findMail(page.request, alice.email, /was deleted/)
    await logIn(page, alice.username, 'a quite different phrase')
    await expect(page.getByText('The user name or the password is wrong.')).toBeVisible()
  })

  // The two refused logins are answers that Chromium reports as errors.
  faults.expectNone(/status of 401/)
})
