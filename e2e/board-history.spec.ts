import { expect, type Page } from '@playwright/test'
import { anotherBrowser, openBoard, postOf, posts, test, write } from './helpers/own-board.ts'
import { join } from './helpers/people.ts'

const total = 10_000

/** One every ten minutes, the last one a day ago. */
const old = Array.from({ length: total }, (_, index) => ({
  time: Math.floor(Date.now() / 1000) - 86_400 - (total - 1 - index) * 600,
  username: index % 3 === 0 ? 'ancient' : 'older',
  content: `old number ${index + 1}.`
}))

// An array would be read as a value and its options.
test.use({ oldPosts: [old, { scope: 'worker' }] })

const text = (number: number) => `old number ${number}.`

const end = (page: Page) => page.evaluate(() => window.scrollTo({ top: document.documentElement.scrollHeight, behavior: 'instant' }))

const numbers = async (page: Page) =>
  (await posts(page).locator('.content').allTextContents()).flatMap(
    (content) => /^old number (\d+)\.$/.exec(content)?.slice(1).map(Number) ?? []
  )

test('older posts load when one scrolls down, in order, without a gap, and few of them stand in the page', async ({ page, mailbox }) => {
  await join(page, mailbox, 'digger')
  await openBoard(page)
  await expect(postOf(page, text(total))).toBeVisible()
  const seen = new Set<number>()
  while (!seen.has(total - 550)) {
    const here = await numbers(page)
    for (const number of here) seen.add(number)
    expect(here).toEqual(here.map((_, index) => here[0]! - index))
    expect(here.length).toBeLessThanOrEqual(400)
    const last = here.at(-1)!
    await end(page)
    await expect.poll(async () => (await numbers(page)).at(-1)).toBeLessThan(last)
  }
  expect(seen.size).toBeGreaterThan(550)

  // All the way up again.
  for (let here = await numbers(page); here[0] !== total; here = await numbers(page)) {
    await page.evaluate(() => window.scrollBy({ top: -3000, behavior: 'instant' }))
    await page.evaluate(() => new Promise(requestAnimationFrame))
    expect(here).toEqual(here.map((_, index) => here[0]! - index))
  }
  expect((await numbers(page)).length).toBeLessThanOrEqual(400)
})

for (const kind of ['the browser', 'the page'] as const) {
  test(`what is read stays where it is while posts come and go above it, held by ${kind}`, async ({ page, browser, baseURL, mailbox }) => {
    if (kind === 'the page') {
      // As in a browser that does not hold it by itself.
      await page.addInitScript(() => {
        CSS.supports = () => false
        document.addEventListener('DOMContentLoaded', () => document.documentElement.style.setProperty('overflow-anchor', 'none'))
      })
    }
    const other = await anotherBrowser(browser, baseURL)
    const name = await join(other, mailbox, 'noisy')
    await openBoard(other)
    await join(page, mailbox, 'reading')
    await openBoard(page)
    await expect(postOf(page, text(total))).toBeVisible()
    await end(page)
    const anchor = postOf(page, text(total - 20))
    await anchor.scrollIntoViewIfNeeded()
    await page.evaluate(() => new Promise(requestAnimationFrame))
    const top = async () => (await anchor.boundingBox())!.y
    const before = await top()
    await write(other, `noise of ${name.username}\nin\nfour\nlines`)
    await write(other, `more noise of ${name.username}`)
    const jump = page.getByRole('button', { name: '2 new posts' })
    await expect(jump).toBeVisible()
    expect(Math.abs((await top()) - before)).toBeLessThan(2)
    await expect(page.getByRole('status').filter({ hasText: /2 new posts\.|New post from/ })).toHaveCount(1)

    await jump.click()
    await expect(page.getByRole('heading', { name: 'Latest posts' })).toBeFocused()
    await expect(postOf(page, `more noise of ${name.username}`)).toBeInViewport()
    await expect(jump).toHaveCount(0)
    await other.context().close()
  })
}

test('the keyboard loads older posts with a button, and goes on with the first of them', async ({ page, mailbox }) => {
  await join(page, mailbox, 'typist')
  // Nothing loads by itself.
  await page.addInitScript(() => {
    window.IntersectionObserver = class extends IntersectionObserver {
      override observe(): void {}
    }
  })
  await openBoard(page)
  await expect(postOf(page, text(total))).toBeVisible()
  const last = (await numbers(page)).at(-1)!
  const button = page.getByRole('button', { name: 'Show older posts' })
  await button.focus()
  await page.keyboard.press('Enter')
  await expect(postOf(page, text(last - 1))).toBeFocused()
  await page.keyboard.press('Tab')
  await expect(button).toBeFocused()
})

test('older posts load also in a browser so busy that it tells of several crossings at once', async ({ page, mailbox }) => {
  await join(page, mailbox, 'hurried')
  await page.addInitScript(() => {
    window.IntersectionObserver = class extends IntersectionObserver {
      constructor(tell: IntersectionObserverCallback, options?: IntersectionObserverInit) {
        super((entries, observer) => {
          const earlier = { ...entries[0]!, isIntersecting: !entries[0]!.isIntersecting }
          tell([earlier, ...entries], observer)
        }, options)
      }
    }
  })
  await openBoard(page)
  await expect(postOf(page, text(total))).toBeVisible()
  const last = (await numbers(page)).at(-1)!
  await end(page)
  await expect.poll(async () => (await numbers(page)).at(-1)).toBeLessThan(last)
})

test('a page of older posts that cannot be loaded can be asked for again', async ({ page, mailbox }) => {
  await join(page, mailbox, 'persistent')
  await page.route('**/lwsgs/messages?*', (route) => route.abort())
  await openBoard(page)
  await end(page)
  await expect(page.getByRole('alert')).toHaveText('The older posts could not be loaded.')
  await page.unroute('**/lwsgs/messages?*')
  const count = await posts(page).count()
  await page.getByRole('button', { name: 'Try again' }).click()
  await expect.poll(() => posts(page).count()).toBeGreaterThan(count)
})

test('days stand over their posts, and each time can be read exactly', async ({ page, mailbox }) => {
  await join(page, mailbox, 'timely')
  await openBoard(page)
  await write(page, 'of today')
  const today = page.locator('.day').filter({ has: page.getByRole('heading', { level: 3, name: 'Today' }) })
  await expect(today.locator('.message').first()).toContainText('of today')
  const time = postOf(page, 'of today').getByRole('time')
  await expect(time).toHaveText('now')
  await expect(time).toHaveAttribute('datetime', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/)
  await expect(time).toHaveAttribute('title', /\d\d:\d\d:\d\d/)
  await expect(page.getByRole('heading', { level: 3 }).nth(1)).toHaveText(/Yesterday|\d{4}/)
})

test('thousands of posts do not hold up the page', async ({ page, mailbox }) => {
  test.setTimeout(120_000)
  await join(page, mailbox, 'endless')
  // Pages as large as the server gives them.
  await page.route('**/lwsgs/messages?*', (route) => route.continue({ url: route.request().url().replace('limit=50', 'limit=100') }))
  await openBoard(page)
  await expect(postOf(page, text(total))).toBeVisible()
  for (let last = total; last > total - 3000; last = (await numbers(page)).at(-1)!) {
    await end(page)
    await expect.poll(async () => (await numbers(page)).at(-1), { intervals: [20] }).toBeLessThan(last)
  }
  expect(await posts(page).count()).toBeLessThanOrEqual(400)
  // Typing is as quick as ever.
  const area = page.getByLabel('Message', { exact: true })
  await area.focus()
  const begun = Date.now()
  await page.keyboard.type('all of it')
  expect(Date.now() - begun).toBeLessThan(2000)
  await page.keyboard.press('Control+Enter')
  await expect(postOf(page, 'all of it').getByRole('time')).toBeVisible()
})
