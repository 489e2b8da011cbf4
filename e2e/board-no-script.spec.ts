import { expect, type Locator, type Page } from '@playwright/test'
import { test } from './helpers/own-board.ts'
import { join } from './helpers/people.ts'
import { keepScreens, password, watchForFaults } from './helpers/visitor.ts'

test.use({ javaScriptEnabled: false })

const item = (page: Page, text: string) => page.getByRole('listitem').filter({ hasText: text })

async function send(page: Page, text: string): Promise<void> {
  const area: Locator = page.locator('textarea[name="msg"]')
  await area.fill(text)
  await page.locator('form').filter({ has: area }).getByRole('button').click()
}

test('without scripts one reads, writes and deletes', async ({ page, mailbox }) => {
  const faults = watchForFaults(page)
  const who = await join(page, mailbox, 'plain')
  await page.goto('/lwsgs/')
  await page.getByRole('link', { name: 'Read and write' }).click()
  await expect(page).toHaveURL(/\/lwsgs\/board\.html$/)
  await send(page, 'Hello <b>world</b> & https://example.com/a_(b).')
  await expect(page).toHaveURL(/\/lwsgs\/board\.html$/)
  const mine = item(page, 'Hello <b>world</b> & https://example.com/a_(b).')
  await expect(mine).toHaveCount(1)
  await expect(mine).toContainText(who.username)
  await expect(mine.locator('b')).toHaveCount(0)
  const link = mine.getByRole('link')
  await expect(link).toHaveAttribute('href', 'https://example.com/a_(b)')
  await expect(link).toHaveAttribute('rel', 'noopener noreferrer nofollow ugc')
  await keepScreens(page, '80-board-no-script')

  // Sent again by the browser, as after going back, it still stands once.
  await page.reload()
  await expect(mine).toHaveCount(1)
  await mine.locator('summary').click()
  await mine.getByRole('button').click()
  await expect(page).toHaveURL(/\/lwsgs\/board\.html$/)
  await expect(mine).toHaveCount(0)
  faults.expectNone()
})

test('what is refused comes back into the form with its reason', async ({ page, mailbox }) => {
  await join(page, mailbox, 'verbose')
  await page.goto('/lwsgs/board.html')
  const text = 'x'.repeat(4001)
  await send(page, text)
  await expect(page.getByRole('alert')).toContainText('too long')
  await expect(page.locator('textarea[name="msg"]')).toHaveValue(text)
})

test('older posts are pages that lead to one another', async ({ page, mailbox }) => {
  await join(page, mailbox, 'pager')
  for (let n = 1; n <= 35; n++) expect((await page.request.post('/lwsgs/msg', { data: { msg: `page post ${n}.` } })).status()).toBe(201)
  await page.goto('/lwsgs/board.html')
  await expect(item(page, 'page post 35.')).toBeVisible()
  await expect(item(page, 'page post 1.')).toHaveCount(0)
  await page.getByRole('link', { name: 'Older posts' }).click()
  await expect(item(page, 'page post 1.')).toBeVisible()
  await expect(item(page, 'page post 35.')).toHaveCount(0)
  await page.getByRole('link', { name: 'Newest posts' }).click()
  await expect(item(page, 'page post 35.')).toBeVisible()
})

test('who is not logged in is led to the login, and back', async ({ page, mailbox }) => {
  const who = await join(page, mailbox, 'outside')
  await page.context().clearCookies()
  await page.goto('/lwsgs/board.html')
  await expect(page).toHaveURL('/lwsgs/?next=%2Flwsgs%2Fboard.html')
  // The page there logs in with scripts; this one without.
  await page.goto('/lwsgs/lwsgs-login?next=%2Flwsgs%2Fboard.html')
  await page.getByLabel('User name or e-mail address').fill(who.username)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Log in', exact: true }).click()
  await expect(page).toHaveURL(/\/lwsgs\/board\.html/)
})
