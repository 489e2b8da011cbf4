import { expect, type Locator, type Page } from '@playwright/test'
import { forget, join, register, test, type Person } from './helpers/people.ts'
import { newName, password } from './helpers/visitor.ts'

const newPassword = 'a quite different phrase'

/** A field as a password manager reads it. */
interface Field {
  readonly name: string
  readonly type: string
  readonly autocomplete: string
  readonly shown: boolean
  readonly writable: boolean
  readonly value: string
}

interface SeenForm {
  readonly method: string
  readonly action: string
  readonly submits: number
  readonly fields: readonly Field[]
}

/** What a manager finds in the widget: forms with passwords, by nothing but elements and their attributes. */
async function passwordForms(page: Page): Promise<SeenForm[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll<HTMLFormElement>('.gs-widget form:has([type="password"])')].map((form) => ({
      method: form.method,
      action: new URL(form.action).pathname,
      submits: form.querySelectorAll('button[type="submit"]').length,
      fields: [...form.querySelectorAll<HTMLInputElement>('input:not([type="checkbox"], [type="hidden"])')].map((input) => ({
        name: input.name,
        type: input.type,
        autocomplete: input.autocomplete,
        // Managers skip what "display: none" and the like take away, not what is small.
        shown: input.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && input.getClientRects().length > 0,
        writable: !input.readOnly && !input.disabled,
        value: input.value
      }))
    }))
  )
}

const known = (username: string): Field => ({
  name: '',
  type: 'text',
  autocomplete: 'username',
  shown: true,
  writable: false,
  value: username
})
const field = (name: string, type: string, autocomplete: string): Field => ({
  name,
  type,
  autocomplete,
  shown: true,
  writable: true,
  value: ''
})

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
const opens = (page: Page, panel: string) => expect(page.locator(`.gs-widget[data-panel="${panel}"] .gs-heading`)).toBeVisible()

/** A form and how one comes to it. */
interface Case {
  readonly path: string
  readonly panel: string
  /** Who sees it, if not anybody. */
  readonly who?: 'member' | 'forgetful'
  readonly way?: readonly string[]
  readonly fields: (username: string) => readonly Field[]
  readonly typed: (who: Person) => Readonly<Record<string, string>>
  /** What the panel is called that follows. */
  readonly after: string
}

const cases: readonly Case[] = [
  {
    path: '/login',
    panel: 'login',
    fields: () => [field('username', 'text', 'username'), field('password', 'password', 'current-password')],
    typed: ({ username }) => ({ username, password }),
    after: 'badge'
  },
  {
    path: '/register',
    panel: 'register',
    way: ['Sign up'],
    fields: () => [field('username', 'text', 'username'), field('email', 'email', 'email'), field('password', 'password', 'new-password')],
    typed: () => ({ ...newName('managed'), password }),
    after: 'verify-email'
  },
  {
    path: '/change-password',
    panel: 'change-password',
    who: 'member',
    way: ['Account', 'Change password'],
    fields: (username) => [
      known(username),
      field('currentPassword', 'password', 'current-password'),
      field('password', 'password', 'new-password')
    ],
    typed: () => ({ currentPassword: password, password: newPassword }),
    after: 'badge'
  },
  {
    path: '/change-password',
    panel: 'new-password',
    who: 'forgetful',
    fields: (username) => [known(username), field('password', 'password', 'new-password')],
    typed: () => ({ password: newPassword }),
    after: 'badge'
  },
  {
    path: '/change-email',
    panel: 'change-email',
    who: 'member',
    way: ['Account', 'Change e-mail'],
    fields: (username) => [known(username), field('email', 'email', 'email'), field('currentPassword', 'password', 'current-password')],
    typed: ({ email }) => ({ email: `new-${email}`, currentPassword: password }),
    after: 'account'
  },
  {
    path: '/delete-account',
    panel: 'delete-account',
    who: 'member',
    way: ['Account', 'Delete account'],
    fields: (username) => [
      known(username),
      // Typing it is the point.
      field('confirmation', 'text', 'off'),
      field('currentPassword', 'password', 'current-password')
    ],
    typed: ({ username }) => ({ confirmation: username, currentPassword: password }),
    after: 'login'
  }
]

/** What is sent for the fields. */
function sentFor({ path }: Case, typed: Readonly<Record<string, string>>): object {
  const { confirmation: _, ...sent } = typed
  return path === '/login' ? { ...sent, remember: false } : sent
}

/** Puts a value in as managers do: not by the keyboard. Some say so with events, some do not. */
async function put(input: Locator, value: string, events: boolean): Promise<void> {
  await input.evaluate(
    (element, [text, tells]) => {
      Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')!.set!.call(element, text)
      if (!tells) return
      element.dispatchEvent(new Event('input', { bubbles: true }))
      element.dispatchEvent(new Event('change', { bubbles: true }))
    },
    [value, events] as const
  )
}

for (const one of cases) {
  const { path, panel, who = 'anybody', way = [], fields, typed, after } = one
  for (const events of [true, false]) {
    test(`${panel}: a manager knows the fields, what it fills in ${events ? 'with' : 'without'} events is sent, and the form goes away`, async ({
      page,
      mailbox
    }) => {
      const person = who === 'anybody' ? await register(page, 'manager') : await join(page, mailbox, 'manager')
      if (who === 'forgetful') await forget(page, mailbox, person)
      await page.goto('/lwsgs/')
      for (const name of way) await button(page, name).click()
      await opens(page, panel)
      expect(await passwordForms(page)).toEqual([{ method: 'post', action: `/lwsgs${path}`, submits: 1, fields: fields(person.username) }])

      const values = typed(person)
      const form = page.locator(`form[action="/lwsgs${path}"]`)
      for (const [name, value] of Object.entries(values)) await put(form.locator(`[name="${name}"]`), value, events)
      const element = await form.elementHandle()
      const asked = page.waitForRequest(`**/lwsgs${path}`)
      await form.locator('[type="submit"]').click()
      expect((await asked).postDataJSON()).toEqual(sentFor(one, values))
      await opens(page, after)
      // Which managers take for success.
      expect(await element.evaluate(({ isConnected }) => isConnected)).toBe(false)
    })
  }
}

test('a refused login keeps its form and what was filled in', async ({ page }) => {
  const who = await register(page, 'kept')
  await page.goto('/lwsgs/')
  const form = page.locator('form[action="/lwsgs/login"]')
  const element = await form.elementHandle()
  await put(form.locator('[name="username"]'), who.username, false)
  await put(form.locator('[name="password"]'), 'not the right password', false)
  await form.locator('[type="submit"]').click()
  await expect(form.locator('[name="password"]')).toHaveAttribute('aria-invalid', 'true')
  expect(await element.evaluate(({ isConnected }) => isConnected)).toBe(true)
  await expect(form.locator('[name="username"]')).toHaveValue(who.username)
  await expect(form.locator('[name="password"]')).toHaveValue('not the right password')
})

test('a password that is shown is still one to managers', async ({ page }) => {
  await page.goto('/lwsgs/')
  const input = page.getByLabel('Password', { exact: true })
  await input.fill(password)
  await button(page, 'Show password').click()
  await expect(input).toHaveAttribute('autocomplete', 'current-password')
  await expect(input).toHaveValue(password)
})

/** Forms whose second sending would do harm. */
const once: readonly {
  readonly path: string
  readonly who?: 'member'
  readonly way?: readonly string[]
  readonly typed: (who: Person) => object
}[] = [
  { path: '/login', typed: ({ username }) => ({ username, password }) },
  { path: '/register', way: ['Sign up'], typed: () => ({ ...newName('double'), password }) },
  { path: '/forgot-password', way: ['Forgot password?'], typed: ({ username }) => ({ username }) },
  {
    path: '/change-password',
    who: 'member',
    way: ['Account', 'Change password'],
    typed: () => ({ currentPassword: password, password: newPassword })
  },
  { path: '/logout', who: 'member', typed: () => ({}) }
]

for (const { path, who, way = [], typed } of once) {
  test(`${path} is sent once, however often it is pressed while the server takes its time`, async ({ page, mailbox }) => {
    const person = who === 'member' ? await join(page, mailbox, 'impatient') : await register(page, 'impatient')
    await page.goto('/lwsgs/')
    for (const name of way) await button(page, name).click()
    const form = page.locator(`form[action="/lwsgs${path}"]`)
    for (const [name, value] of Object.entries(typed(person))) await form.locator(`[name="${name}"]`).fill(value as string)

    let requests = 0
    const answer = Promise.withResolvers<void>()
    await page.route(`**/lwsgs${path}`, async (route) => {
      requests++
      await answer.promise
      await route.continue()
    })
    const submit = form.locator('[type="submit"]')
    await submit.focus()
    await page.keyboard.press('Enter')
    await page.keyboard.press('Enter')
    await expect(form).toHaveAttribute('aria-busy', 'true')
    await expect(submit).toHaveAttribute('aria-disabled', 'true')
    // Playwright would wait until it is enabled.
    await submit.click({ clickCount: 2, force: true })
    await form.evaluate((element: HTMLFormElement) => element.requestSubmit())
    // It can still be reached by the keyboard.
    await expect(submit).toBeFocused()
    answer.resolve()
    await expect(form).toHaveCount(0)
    expect(requests).toBe(1)
  })
}
