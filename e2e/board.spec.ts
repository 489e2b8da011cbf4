import { expect, test } from '@playwright/test'
import { becomeMember, logIn, logOut, newName, password, post, signUp, watchForFaults } from './helpers/visitor.ts'

test('what somebody writes is text, whatever it looks like', async ({ page }) => {
  const faults = watchForFaults(page)
  let dialogs = 0
  page.on('dialog', (dialog) => {
    dialogs++
    void dialog.dismiss()
  })
  const who = await becomeMember(page, 'writer')
  const texts = [
    '<img src=x onerror=alert(1)>',
    '</script><script>alert(2)</script>',
    '"\'`${alert(3)} {{7*7}} &amp;',
    'two\nlines\tand 😀 שלום'
  ]
  for (const text of texts) {
    await post(page, text)
    // Others write too; mine is the newest of this author.
    const item = page.getByRole('log').getByRole('listitem').filter({ hasText: who.username }).first()
    await expect.poll(() => item.locator('.content').evaluate((element) => element.textContent)).toBe(text)
    await expect(item.locator('img, script')).toHaveCount(0)
  }
  expect(dialogs).toBe(0)
  faults.expectNone()
})

test('somebody who has not verified the address reads and writes nothing', async ({ page }) => {
  const who = newName('early')
  await signUp(page, who)
  await page.goto('/lwsgs/')
  await logIn(page, who.username)
  await expect(page.getByText('Not verified')).toBeVisible()
  await expect(page.getByRole('heading', { name: 'One step left' })).toBeVisible()
  await expect(page.getByLabel('Message', { exact: true })).toHaveCount(0)
  const answer = await page.request.post('/lwsgs/msg', { data: { msg: 'hello' } })
  expect(answer.status()).toBe(403)
  const opened = await page.evaluate(
    () =>
      new Promise<boolean>((resolve) => {
        const socket = new WebSocket(`ws://${location.host}/lwsgs/board`, 'protocol-lws-messageboard')
        socket.addEventListener('open', () => resolve(true))
        socket.addEventListener('error', () => resolve(false))
      })
  )
  expect(opened).toBe(false)
})

test('the last ten messages are there when the page opens, newest on top', async ({ page }) => {
  const who = await becomeMember(page, 'prolific')
  const mine = Array.from({ length: 11 }, (_, i) => `${who.username} number ${i}.`)
  for (const text of mine) await post(page, text)
  await page.reload()
  const items = page.getByRole('log').getByRole('listitem')
  await expect(items.first()).toBeVisible()
  await expect.poll(() => items.count()).toBeGreaterThanOrEqual(10)
  await expect(items.filter({ hasText: mine.at(-1)! })).toHaveCount(1)
  await expect(items.filter({ hasText: mine[0]! })).toHaveCount(0)
})

test('the widget is used with the keyboard alone', async ({ page }) => {
  const who = await becomeMember(page, 'keys')
  await logOut(page)
  await page.goto('/lwsgs/')
  const name = page.getByLabel('User name or e-mail')
  await expect(name).toBeVisible()
  for (let i = 0; i < 12 && !(await name.evaluate((element) => element === document.activeElement)); i++) await page.keyboard.press('Tab')
  await page.keyboard.type(who.username)
  await page.keyboard.press('Tab')
  await page.keyboard.type(password)
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { name: who.username })).toBeVisible()
})
