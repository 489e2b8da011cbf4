import { expect, test } from '@playwright/test'
import { findMail, linkIn } from './helpers/mailbox.ts'
import { becomeMember, keepScreens, logIn, logOut, newName, password, signUp, verify } from './helpers/visitor.ts'

test('a wrong password is refused beside its field, and what was typed stays', async ({ page }) => {
  const who = await becomeMember(page, 'wrong')
  await logOut(page)
  await logIn(page, who.username, 'not the right password')
  const field = page.getByLabel('Password', { exact: true })
  await expect(field).toHaveAttribute('aria-invalid', 'true')
  await expect(field).toHaveAccessibleDescription(/The user name or the password is wrong\./)
  await expect(field).toBeFocused()
  await expect(page.getByLabel('User name or e-mail')).toHaveValue(who.username)
  await keepScreens(page, '20-wrong-password')
  await logIn(page, who.username)
  await expect(page.getByRole('heading', { name: who.username })).toBeVisible()
})

test('a taken name is told while typing, and refused', async ({ page }) => {
  const who = await becomeMember(page, 'taken')
  await logOut(page)
  await page.getByRole('button', { name: 'Sign up' }).click()
  const name = page.getByLabel('User name', { exact: true })
  await name.fill(who.username.toUpperCase())
  await expect(page.getByText('This name is taken.')).toBeVisible()
  await page.getByLabel('E-mail', { exact: true }).fill('somebody@mail.test')
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign up' }).click()
  await expect(name).toHaveAttribute('aria-invalid', 'true')
  await expect(name).toHaveAccessibleDescription(/This user name is taken\. Please choose another one\./)
  await expect(name).toBeFocused()
  await keepScreens(page, '21-name-taken')
})

test('a weak password is refused with the reason, and the rest stays', async ({ page }) => {
  const who = newName('weak')
  await page.goto('/lwsgs/')
  await page.getByRole('button', { name: 'Sign up' }).click()
  await page.getByLabel('User name', { exact: true }).fill(who.username)
  await page.getByLabel('E-mail', { exact: true }).fill(who.email)
  const field = page.getByLabel('Password', { exact: true })
  for (const [typed, reason] of [
    ['too short', /at least 15 characters/],
    ['passwordpassword', /first that attackers try/],
    [who.email, /name, your address/]
  ] as const) {
    await field.fill(typed)
    await page.getByRole('button', { name: 'Sign up' }).click()
    await expect(field).toHaveAccessibleDescription(reason)
    await expect(field).toHaveAttribute('aria-invalid', 'true')
  }
  await keepScreens(page, '22-weak-password')
  await expect(page.getByLabel('E-mail', { exact: true })).toHaveValue(who.email)
  await field.fill(password)
  await page.getByRole('button', { name: 'Sign up' }).click()
  await expect(page.getByRole('heading', { name: 'Check your mail' })).toBeVisible()
})

test('a link works once', async ({ page }) => {
  const who = newName('twice')
  await signUp(page, who)
  await verify(page, who)
  await page.goto(linkIn(await findMail(page.request, who.email, /Confirm your address/)))
  await page.getByRole('button', { name: 'Confirm my address' }).click()
  await expect(page.getByRole('alert')).toHaveText('This link has already been used, or a newer one was sent.')
  await keepScreens(page, '23-link-used')
  await page.getByRole('link', { name: 'Back to the start page' }).click()
  await expect(page.getByRole('heading', { name: who.username })).toBeVisible()
})

test('a protected page leads to the login and back again', async ({ page, browser }) => {
  const member = await becomeMember(page, 'guarded')
  const fresh = await (await browser.newContext()).newPage()
  await fresh.goto('/lwsgs/needauth/')
  await expect(fresh).toHaveURL(/\/lwsgs\/\?next=%2Flwsgs%2Fneedauth%2F$/)
  await keepScreens(fresh, '24-login-first')
  await logIn(fresh, member.username)
  await expect(fresh).toHaveURL(/\/lwsgs\/needauth\/$/)
  await expect(fresh.getByRole('heading').first()).toBeVisible()
  await keepScreens(fresh, '25-members-page')

  await fresh.goto('/lwsgs/needadmin/')
  await expect(fresh.getByRole('heading', { name: 'Your account may not do this.' })).toBeVisible()
  await keepScreens(fresh, '26-not-for-you')
  await fresh.context().close()
})

test('the admin of the configuration gets into the admin page, and cannot be changed here', async ({ page }) => {
  await page.goto('/lwsgs/needadmin/')
  await logIn(page, 'admin', 'the password of the admin')
  await expect(page).toHaveURL(/\/lwsgs\/needadmin\/$/)
  await keepScreens(page, '27-admin-page')
  await page.goto('/lwsgs/')
  await expect(page.getByText('Admin', { exact: true })).toBeVisible()
  await page.getByRole('button', { name: 'Account' }).click()
  await expect(page.getByText('defined in the configuration')).toBeVisible()
})

test('logging out in one tab logs out the others', async ({ page, context }) => {
  const who = await becomeMember(page, 'tabs')
  const other = await context.newPage()
  await other.goto('/lwsgs/')
  await expect(other.getByRole('heading', { name: who.username })).toBeVisible()
  await logOut(page)
  await expect(other.getByRole('heading', { name: 'Log in' })).toBeVisible()
})
