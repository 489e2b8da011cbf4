import { expect, type APIRequestContext, type Page } from '@playwright/test'
import { codeIn, findMail } from './helpers/mailbox.ts'
import { call, join, test } from './helpers/people.ts'
import { newName, password } from './helpers/visitor.ts'
import { test as plainTest } from './standalone/site-test.ts'

const heading = (page: Page, name: string) => page.getByRole('heading', { name, exact: true })
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
const field = (page: Page, name: string) => page.getByLabel(name, { exact: true })

const newestCode = async (mailbox: APIRequestContext, email: string, count = 1) =>
  codeIn(await findMail(mailbox, email, /Your code for/, count))

/** Another code of the same length. */
const wrong = (code: string) => code.replace(/^./, (digit) => String((Number(digit) + 1) % 10))

async function askForCode(page: Page, name: string): Promise<void> {
  await button(page, 'Log in with a code by mail').click()
  await expect(heading(page, 'Log in with a code')).toBeFocused()
  await field(page, 'User name or e-mail').fill(name)
  await button(page, 'Send code').click()
}

test('somebody logs in with a code by mail, pasted with its spaces', async ({ page, mailbox }) => {
  const who = await join(page, mailbox, 'coded')
  await call(page, '/logout', {})
  await page.goto('/lwsgs/?next=/lwsgs/needauth/')
  await askForCode(page, who.email)
  const code = field(page, 'Code from the mail')
  await expect(code).toBeFocused()
  await expect(code).toHaveAccessibleDescription('If there is such an account, a mail with a code is on its way.')
  await expect(code).toHaveAttribute('inputmode', 'numeric')
  await expect(code).toHaveAttribute('autocomplete', 'one-time-code')
  await expect(code).toHaveAttribute('dir', 'ltr')

  const right = await newestCode(mailbox, who.email)
  await code.fill(wrong(right))
  await button(page, 'Log in').click()
  await expect(code).toBeFocused()
  await expect(code).toHaveAccessibleDescription(/This code is wrong, or it has expired\./)
  await code.fill(` ${right.slice(0, 4)} ${right.slice(4)} `)
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL('/lwsgs/needauth/')
})

test('a code replaces the one before, and one that is known already needs no other mail', async ({ page, mailbox }) => {
  const who = await join(page, mailbox, 'coded.again')
  await call(page, '/logout', {})
  await page.goto('/lwsgs/')
  await field(page, 'User name or e-mail').fill(who.username)
  await button(page, 'Log in with a code by mail').click()
  await expect(field(page, 'User name or e-mail')).toHaveValue(who.username)
  await button(page, 'Send code').click()
  const first = await newestCode(mailbox, who.email)
  await field(page, 'Code from the mail').fill(first)
  await button(page, 'Send another code').click()
  await expect(field(page, 'User name or e-mail')).toBeFocused()
  await button(page, 'Send code').click()
  await expect(field(page, 'Code from the mail')).toHaveValue('')
  const second = await newestCode(mailbox, who.email, 2)
  await field(page, 'Code from the mail').fill(first)
  await button(page, 'Log in').click()
  await expect(page.getByText('This code is wrong, or it has expired.')).toBeVisible()

  // The page was lost while its visitor looked into his mail.
  await page.reload()
  await button(page, 'Log in with a code by mail').click()
  await button(page, 'I have a code already').click()
  await expect(field(page, 'User name or e-mail')).toBeFocused()
  await field(page, 'User name or e-mail').fill(who.username)
  await field(page, 'Code from the mail').fill(second)
  await button(page, 'Log in').click()
  await expect(heading(page, who.username)).toBeVisible()
})

test('nobody learns from it whether there is an account, and the way back is the password', async ({ page }) => {
  await page.goto('/lwsgs/')
  await askForCode(page, newName('nobody').username)
  await expect(field(page, 'Code from the mail')).toBeFocused()
  await button(page, 'Log in').click()
  await expect(field(page, 'Code from the mail')).toHaveAccessibleDescription(/Please enter the code from the mail\./)
  await field(page, 'Code from the mail').fill('1234 5678')
  await button(page, 'Log in').click()
  await expect(page.getByText('This code is wrong, or it has expired.')).toBeVisible()
  await button(page, 'Log in with the password').click()
  await expect(heading(page, 'Log in')).toBeFocused()
})

test('without scripts a code logs in too', async ({ browser, page, mailbox }) => {
  const who = await join(page, mailbox, 'coded.plain')
  const plain = await (await browser.newContext({ javaScriptEnabled: false })).newPage()
  await plain.goto('/lwsgs/lwsgs-login')
  await plain.getByRole('link', { name: 'Log in with a code by mail' }).click()
  await plain.getByLabel('User name or e-mail address').fill(who.username)
  await button(plain, 'Send me a code').click()
  const right = await newestCode(mailbox, who.email)
  await field(plain, 'Code').fill(wrong(right))
  await button(plain, 'Log in').click()
  await expect(field(plain, 'Code')).toHaveAttribute('aria-invalid', 'true')
  await field(plain, 'Code').fill(right)
  await button(plain, 'Log in').click()
  await expect(plain.getByRole('status')).toHaveText('You are logged in.')
})

plainTest('a plain page has the login with a code where its element asks for it', async ({ page, watch }) => {
  const who = newName('coded.standalone')
  const registered = await page.request.post('/lwsgs/register', { data: { ...who, password } })
  expect(registered.ok()).toBe(true)
  await page.goto('/')
  await expect(button(page, 'Sign up')).toBeVisible()
  await expect(button(page, 'Log in with a code by mail')).toHaveCount(0)
  await page.goto(`/?${new URLSearchParams({ attributes: 'data-login-code' })}`)
  await askForCode(page, who.email)
  expect(watch.parts).toEqual(['/lwsgs/lwsgs-guest.js'])
  await expect(field(page, 'Code from the mail')).toBeFocused()
  await field(page, 'Code from the mail').fill(await newestCode(page.request, who.email))
  await button(page, 'Log in').click()
  // The mail has proved the address, which whoever chose the password had not.
  await expect(heading(page, 'Set new password')).toBeVisible()
  await button(page, 'Not now').click()
  await expect(heading(page, who.username)).toBeVisible()
  await expect(page.getByText('Verified', { exact: true })).toBeVisible()
})
