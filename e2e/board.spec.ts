import { expect, test } from '@playwright/test'
import { becomeMember, logIn, logOut, newName, password, post, signUp, watchForFaults } from './helpers/visitor.ts'

const hostile = [
  '<img src=x onerror=alert(1)>',
  '</script><script>alert(2)</script>',
  '"\'`${alert(3)} {{7*7}} &amp;',
  'two\nlines\tand 😀 שלום',
  '  spaces   stay  ',
  '[click](javascript:alert(4)) javascript:alert(5)',
  // Written from right to left from here on; it must not turn round what follows.
  'annoying \u202egnp.exe\u2066\u2067',
  `piled e${'\u0301\u0317'.repeat(300)} up`,
  'zero\u200bwidth\u200d\ufeff',
  '😀'.repeat(4000),
  'W'.repeat(4000),
  `https://example.com/${'a'.repeat(3000)}`,
  `${'\n'.repeat(500)}below`
]

test('what somebody writes is text, whatever it looks like', async ({ page }) => {
  const faults = watchForFaults(page)
  let dialogs = 0
  page.on('dialog', (dialog) => {
    dialogs++
    void dialog.dismiss()
  })
  const who = await becomeMember(page, 'writer')
  for (const text of hostile) {
    await post(page, text)
    // Others write too; mine is the newest of this author.
    const item = page.getByRole('log').getByRole('listitem').filter({ hasText: who.username }).first()
    await expect.poll(() => item.locator('.content').evaluate((element) => element.textContent)).toBe(text)
    await expect(item.locator('.content :not(a)')).toHaveCount(0)
    // Nothing gets out of its own place.
    const escapes = await item.evaluate(
      ({ scrollWidth, clientWidth, scrollHeight, clientHeight }) => scrollWidth > clientWidth || scrollHeight > clientHeight
    )
    expect(escapes, text.slice(0, 40)).toBe(false)
  }
  expect(dialogs).toBe(0)
  const { posts } = (await (await page.request.get('/lwsgs/messages?limit=100')).json()) as {
    posts: { username: string; content: string }[]
  }
  expect(posts.filter(({ username }) => username === who.username).map(({ content }) => content)).toEqual(hostile)
  faults.expectNone()
})

test('addresses are links that lead where they seem to, and give nothing away', async ({ page, context }) => {
  await becomeMember(page, 'linker')
  const links = (text: string) =>
    page
      .locator('.message')
      .filter({ has: page.locator('.content', { hasText: text }) })
      .getByRole('link')
  await post(page, 'Trick javascript:alert(1) data:text/html,<script>1</script> https://bank.example@evil.test/ //evil.test vbscript:x')
  await expect(page.locator('.content').filter({ hasText: 'Trick' })).toHaveCount(1)
  await expect(links('Trick')).toHaveCount(0)
  const address = `http://localhost:${new URL(page.url()).port}/healthz`
  await post(page, `Look at (${address}), please.`)
  const link = links('Look at')
  await expect(link).toHaveText(address)
  await expect(link).toHaveAttribute('rel', 'noopener noreferrer nofollow ugc')
  const opened = context.waitForEvent('page')
  await link.click()
  const other = await opened
  await other.waitForLoadState()
  expect(await other.evaluate(() => [location.pathname, document.referrer, window.opener === null])).toEqual(['/healthz', '', true])
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

test('the last messages are there when the page opens, newest on top, and those before them are on the next page', async ({ page }) => {
  const who = await becomeMember(page, 'prolific')
  const mine = Array.from({ length: 35 }, (_, i) => `${who.username} number ${i}.`)
  for (const text of mine) expect((await page.request.post('/lwsgs/msg', { data: { msg: text } })).status()).toBe(201)
  await page.reload()
  const texts = page.getByRole('log').locator('.content')
  const written = async () => (await texts.allTextContents()).filter((text) => text.startsWith(`${who.username} `))
  await expect.poll(async () => (await written())[0]).toBe(mine.at(-1))
  // How far it is depends on what others write meanwhile.
  await expect
    .poll(async () => {
      await page.evaluate(() => window.scrollTo({ top: document.documentElement.scrollHeight, behavior: 'instant' }))
      return (await written()).at(-1)
    })
    .toBe(mine[0])
  expect(await written()).toEqual(mine.toReversed())
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
