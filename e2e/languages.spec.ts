import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, type Page } from '@playwright/test'
import { texts as ar } from 'gs-ui/texts/ar'
import { texts as de } from 'gs-ui/texts/de'
import { texts as es } from 'gs-ui/texts/es'
import { texts as fr } from 'gs-ui/texts/fr'
import { texts as ja } from 'gs-ui/texts/ja'
import { mustChoosePassword } from './helpers/people.ts'
import { becomeMember, logIn, password, watchForFaults } from './helpers/visitor.ts'

const newPassword = 'a quite different phrase'
const translations = { de, es, fr, ja, ar }
type Texts = typeof de

const screens = join(import.meta.dirname, '../artifacts/screens')
const widget = (page: Page) => page.locator('.gs-widget')
const button = (page: Page, name: string) => widget(page).getByRole('button', { name, exact: true })
const field = (page: Page, name: string) => widget(page).getByLabel(name, { exact: true })
const heading = (page: Page, name: string) => widget(page).getByRole('heading', { name, exact: true })

/** Serves the page as if its author had written it in this language. */
async function speak(page: Page, language: string): Promise<void> {
  await page.addInitScript((lang: string) => {
    // Before the first script of the page runs, but not before there is a page.
    document.addEventListener('readystatechange', () => document.readyState === 'interactive' && (document.documentElement.lang = lang))
  }, language)
}

/** Keeps a picture of the widget, and fails when something in it is wider than its place. */
async function keep(page: Page, language: string, panel: string): Promise<void> {
  mkdirSync(screens, { recursive: true })
  await expect(widget(page)).toHaveAttribute('lang', language)
  await widget(page).screenshot({ path: join(screens, `language-${language}-${panel}.png`), animations: 'disabled' })
  const tooWide = await page.evaluate(() => {
    const cut = [...document.querySelectorAll<HTMLElement>('.gs-widget *')].filter(
      (element) =>
        element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 1 && getComputedStyle(element).display !== 'inline'
    )
    const page = document.documentElement.scrollWidth > document.documentElement.clientWidth ? ['the page'] : []
    return [...page, ...cut.filter((element) => !element.matches('input')).map(({ outerHTML }) => outerHTML.slice(0, 200))]
  })
  expect(tooWide, `${panel} in ${language}`).toEqual([])
}

/** Texts that stand in the widget as they are in English. */
async function logInIn(page: Page, texts: Texts, name: string, secret: string): Promise<void> {
  await field(page, texts.name).fill(name)
  await field(page, texts.password).fill(secret)
  await button(page, texts['login.title']).click()
}

for (const [language, texts] of Object.entries(translations)) {
  test(`every panel speaks ${language} and fits into 320 pixels`, async ({ page }) => {
    const who = await becomeMember(page, `${language}.`)
    await mustChoosePassword(page.context().browser()!, who.username)
    const faults = watchForFaults(page)
    await page.setViewportSize({ width: 320, height: 720 })
    await speak(page, `${language}-x-test`)
    await page.goto('/lwsgs/')
    await expect(widget(page)).toHaveAttribute('dir', language === 'ar' ? 'rtl' : 'ltr')

    await test.step('a new password that is asked for', async () => {
      await expect(heading(page, texts['password.must.title'])).toBeVisible()
      await keep(page, language, 'must-change-password')
      await field(page, texts['password.current']).fill(password)
      await field(page, texts['password.new']).fill(newPassword)
      await button(page, texts['password.set']).click()
      await expect(widget(page).getByText(texts['notice.changed'])).toBeVisible()
    })

    await test.step('the account', async () => {
      await expect(heading(page, who.username)).toBeVisible()
      await keep(page, language, 'badge')
      await button(page, texts.account).click()
      await keep(page, language, 'account')
      await button(page, texts['sessions.title']).click()
      await expect(widget(page).getByText(texts['sessions.this'])).toBeVisible()
      await keep(page, language, 'sessions')
      await button(page, texts.back).click()
      await button(page, texts['password.change']).click()
      await field(page, texts['password.current']).fill('wrong')
      await field(page, texts['password.new']).fill('password')
      await expect(widget(page).getByText(texts['strength.0'])).toBeVisible()
      await button(page, texts['password.change']).click()
      await expect(widget(page).getByText(texts['error.GS_PASSWORD_WEAK'])).toBeVisible()
      await keep(page, language, 'change-password')
      await button(page, texts.back).click()
      await button(page, texts['email.change']).click()
      await field(page, texts['email.new']).fill('nobody')
      await field(page, texts['password.current']).fill(newPassword)
      await button(page, texts['email.change']).click()
      await expect(widget(page).getByText(texts['error.GS_EMAIL_INVALID'])).toBeVisible()
      await keep(page, language, 'change-email')
      await button(page, texts.back).click()
      await button(page, texts['delete.title']).click()
      await field(page, texts.username).fill('somebody')
      await field(page, texts['password.current']).fill(newPassword)
      await button(page, texts['delete.title']).click()
      await keep(page, language, 'delete-account')
      await button(page, texts.back).click()
      await button(page, texts.back).click()
      await button(page, texts.logout).click()
    })

    await test.step('without an account', async () => {
      await expect(heading(page, texts['login.title'])).toBeVisible()
      await expect(widget(page).getByText(texts['notice.loggedout'])).toBeVisible()
      await logInIn(page, texts, who.username, 'wrong')
      await expect(widget(page).getByText(texts['error.GS_CREDENTIALS'])).toBeVisible()
      await keep(page, language, 'login')
      await button(page, texts['login.forgot']).click()
      await keep(page, language, 'forgot-password')
      await button(page, texts['login.title']).click()
      await button(page, texts['login.code']).click()
      await keep(page, language, 'login-code')
      await field(page, texts.name).fill(`nobody.${language}`)
      await button(page, texts['code.send']).click()
      await expect(widget(page).getByText(texts['code.sent'])).toBeVisible()
      await field(page, texts.code).fill('1234 5678')
      await button(page, texts['login.title']).click()
      await expect(widget(page).getByText(texts['error.GS_CODE_INVALID'])).toBeVisible()
      await keep(page, language, 'login-code-refused')
      await button(page, texts['code.password']).click()
      await button(page, texts['register.title']).click()
      await field(page, texts.username).fill('a b')
      await field(page, texts.email).fill(`new.${who.email}`)
      await field(page, texts.password).fill(newPassword)
      await button(page, texts['register.title']).click()
      await expect(widget(page).getByText(texts['error.GS_USERNAME_INVALID'])).toBeVisible()
      await keep(page, language, 'register')
      await field(page, texts.username).fill(`new.${who.username}`)
      await expect(widget(page).getByText(texts['username.available'])).toBeVisible()
      await button(page, texts['register.title']).click()
      await expect(heading(page, texts['mail.title'])).toBeVisible()
      await keep(page, language, 'check-mail')
    })

    await test.step('the administration', async () => {
      await page.goto('/lwsgs/')
      await logInIn(page, texts, 'admin', 'the password of the admin')
      await button(page, texts.administration).click()
      await widget(page).getByRole('searchbox').fill(who.email)
      await expect(widget(page).getByRole('row')).toHaveCount(2)
      await keep(page, language, 'admin-accounts')
      await button(page, who.username).click()
      await expect(heading(page, who.username)).toBeVisible()
      await button(page, texts['admin.must']).click()
      await expect(widget(page).getByText(texts['admin.must.done'])).toBeVisible()
      await button(page, texts['admin.lock']).click()
      await expect(widget(page).getByText(texts['admin.locked'])).toBeVisible()
      await keep(page, language, 'admin-account')
      await button(page, texts['admin.mail']).click()
      await widget(page).getByRole('combobox').selectOption({ label: texts['admin.mail.sent'] })
      await expect(widget(page).getByText(who.email).first()).toBeVisible()
      await keep(page, language, 'admin-mail')
      await button(page, texts['admin.audit']).click()
      await expect(widget(page).getByText(texts['admin.audit.lock']).first()).toBeVisible()
      await keep(page, language, 'admin-history')
    })
    faults.expectNone(/status of 40[013]/)
  })
}

test('a page that changes its language takes the widget with it, and nothing that was typed', async ({ page }) => {
  await page.goto('/lwsgs/')
  await field(page, 'User name or e-mail').fill('alice')
  await field(page, 'Password').fill('half a pass')
  const change = (language: string) => page.evaluate((lang) => (document.documentElement.lang = lang), language)
  await change('ar-EG')
  await expect(heading(page, ar['login.title'])).toBeVisible()
  await expect(widget(page)).toHaveAttribute('dir', 'rtl')
  await expect(field(page, ar.name)).toHaveValue('alice')
  await expect(field(page, ar.password)).toHaveValue('half a pass')
  await change('zh-Hant')
  await expect(heading(page, 'Log in')).toBeVisible()
  await expect(widget(page)).toHaveAttribute('lang', 'en')
  await expect(field(page, 'Password')).toHaveValue('half a pass')
})

test('what was refused is said again in the language that the page changes to', async ({ page }) => {
  await page.goto('/lwsgs/')
  const change = (language: string) => page.evaluate((lang) => (document.documentElement.lang = lang), language)
  await expect(heading(page, 'Log in')).toBeVisible()
  await button(page, 'Log in').click()
  await expect(widget(page).getByText('Please enter your password.')).toBeVisible()
  await change('de')
  for (const text of [de['name.missing'], de['password.missing']]) await expect(widget(page).getByText(text)).toBeVisible()
  await field(page, de.name).fill('nobody at all')
  await expect(widget(page).getByText(de['name.missing'])).toHaveCount(0)
  await change('fr')
  await expect(widget(page).getByText(fr['password.missing'])).toBeVisible()
  await expect(widget(page).getByText(fr['name.missing'])).toHaveCount(0)
  await logInIn(page, fr, 'nobody at all', 'wrong')
  await expect(widget(page).getByText(fr['error.GS_CREDENTIALS'])).toBeVisible()
  await change('ja')
  await expect(widget(page).getByText(ja['error.GS_CREDENTIALS'])).toBeVisible()
  await expect(field(page, ja.name)).toHaveValue('nobody at all')
})

test('nouns keep their capital in German, where the name of a field stands in a sentence', async ({ page }) => {
  await page.goto('/lwsgs/')
  await expect(button(page, 'Show password')).toBeVisible()
  await page.evaluate(() => (document.documentElement.lang = 'de-AT'))
  await expect(button(page, 'Passwort zeigen')).toBeVisible()
  await expect(button(page, 'passwort zeigen')).toHaveCount(0)
})

test('a language that cannot be loaded is English', async ({ page }) => {
  await speak(page, 'fr')
  await page.route(/\/fr[^/]*\.js/, (route) => route.abort())
  await page.goto('/lwsgs/')
  await expect(heading(page, 'Log in')).toBeVisible()
  await expect(widget(page)).toHaveAttribute('lang', 'en')
  await logIn(page, 'nobody.there')
  await expect(widget(page).getByText('The user name or the password is wrong.')).toBeVisible()
})
