import { expect, type Browser, type Page } from '@playwright/test'
import { findMail, linkIn } from './helpers/mailbox.ts'
import { call, join, mustChoosePassword, test } from './helpers/people.ts'
import { logIn, newName, password } from './helpers/visitor.ts'
import { test as plainTest } from './standalone/site-test.ts'

const newPassword = 'a quite different phrase'
const heading = (page: Page, name: string) => page.getByRole('heading', { name, exact: true })
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
const field = (page: Page, name: string) => page.getByLabel(name, { exact: true })

/** Somebody with a verified account, whom an admin has told to choose another password. */
async function restricted(page: Page, browser: Browser, site: string): Promise<string> {
  const who = newName('must.plain')
  expect((await page.request.post('/lwsgs/register', { data: { ...who, password } })).ok()).toBe(true)
  const link = linkIn(await findMail(page.request, who.email, /Confirm your address/))
  const token = new URL(link).searchParams.get('token')
  expect((await page.request.post('/lwsgs/verify-email', { data: { token } })).ok()).toBe(true)
  await mustChoosePassword(browser, who.username, site)
  return who.username
}

async function choosePassword(page: Page): Promise<void> {
  await field(page, 'Current password').fill(password)
  await field(page, 'New password').fill(newPassword)
  await button(page, 'Set new password').click()
}

test('who must choose a new password sees that and nothing else, then goes on to where he wanted', async ({ page, mailbox, browser }) => {
  const who = await join(page, mailbox, 'must')
  await call(page, '/logout', {})
  await mustChoosePassword(browser, who.username)
  await page.goto('/lwsgs/?next=/lwsgs/needauth/')
  await logIn(page, who.username)
  await expect(heading(page, 'Choose a new password')).toBeFocused()
  await expect(page.getByText('The people who run this site ask you to replace your password.')).toBeVisible()
  await expect(button(page, 'Account')).toHaveCount(0)
  await field(page, 'Current password').fill(password)
  await field(page, 'New password').fill('qwertyuiop')
  await expect(page.locator('[data-score]')).toBeVisible()
  // The present one is no new one.
  await field(page, 'New password').fill(password)
  await button(page, 'Set new password').click()
  await expect(field(page, 'New password')).toHaveAttribute('aria-invalid', 'true')
  await choosePassword(page)
  await expect(page).toHaveURL('/lwsgs/needauth/')
  await page.goto('/lwsgs/')
  await expect(heading(page, who.username)).toBeVisible()
  await expect(button(page, 'Account')).toBeVisible()
})

test('an open page follows at its next call, and the visitor may log out instead', async ({ page, mailbox, browser }) => {
  const who = await join(page, mailbox, 'must.open')
  await page.goto('/lwsgs/')
  await button(page, 'Account').click()
  await button(page, 'Sessions').click()
  await expect(page.getByText('You are logged in only here.')).toBeVisible()
  await button(page, 'Back').click()
  await mustChoosePassword(browser, who.username)
  // Whichever comes first: the server says it, or refuses what is asked next.
  const asked = button(page, 'Sessions').click({ timeout: 2000 })
  await expect(heading(page, 'Choose a new password')).toBeVisible()
  await asked.catch(() => undefined)
  await button(page, 'Log out').click()
  await expect(page.getByText('You are logged out.')).toBeVisible()
  await expect(heading(page, 'Log in')).toBeVisible()
  await logIn(page, who.username)
  await choosePassword(page)
  await expect(page.getByText('Your password is changed.')).toBeVisible()
  await expect(button(page, 'Account')).toBeVisible()
})

test('without scripts the page of the account asks for it', async ({ page, mailbox, browser }) => {
  const who = await join(page, mailbox, 'must.scriptless')
  await mustChoosePassword(browser, who.username)
  const plain = await (await browser.newContext({ javaScriptEnabled: false })).newPage()
  await plain.goto('/lwsgs/lwsgs-login')
  await plain.getByLabel('User name or e-mail address').fill(who.username)
  await field(plain, 'Password').fill(password)
  await button(plain, 'Log in').click()
  await plain.goto('/lwsgs/needauth/')
  const part = plain.getByRole('region', { name: 'Change your password', exact: true })
  await expect(part).toBeVisible()
  await expect(plain.getByLabel('New e-mail address')).toHaveCount(0)
  await part.getByLabel('Current password', { exact: true }).fill(password)
  await part.getByLabel('New password', { exact: true }).fill(newPassword)
  await part.getByLabel('New password again', { exact: true }).fill(newPassword)
  await part.getByRole('button', { name: 'Change', exact: true }).click()
  await expect(plain).toHaveURL('/lwsgs/needauth/')
  await plain.goto('/lwsgs/lwsgs-change')
  await expect(plain.getByLabel('New e-mail address')).toBeVisible()
})

plainTest('on a plain page too, by the part for the account alone', async ({ page, browser, site, watch }) => {
  const username = await restricted(page, browser, site)
  await page.goto('/')
  await expect(heading(page, 'Choose a new password')).toBeVisible()
  expect(watch.parts).toEqual(['/lwsgs/lwsgs-account.js'])
  await button(page, 'Log out').click()
  await expect(heading(page, 'Log in')).toBeVisible()
  await logIn(page, username)
  await expect(heading(page, 'Choose a new password')).toBeFocused()
  await choosePassword(page)
  await expect(page.getByText('Your password is changed.')).toBeVisible()
  await expect(heading(page, username)).toBeVisible()
})
