import { expect, type Page } from '@playwright/test'
import { logIn, logOf, open, pass, test } from './jwt/site-test.ts'

const minute = 60_000
const script = (attributes: string) => `?script=${encodeURIComponent(attributes)}`

const heading = (page: Page, name: string) => page.getByRole('heading', { name, exact: true })
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
const link = (page: Page, name: string) => page.getByRole('link', { name, exact: true })
const secret = (page: Page) => page.getByText('Secret of members')
/** A page that the browser has kept is there at once: it is not loaded. */
const goBack = (page: Page) => page.goBack({ waitUntil: 'commit' })
const csrfOf = (page: Page) => page.evaluate(() => window.gsJwt.getSnapshot().session?.csrf)
const deletedBy = async (page: Page, name: string) =>
  (await logOf(page)).deleted.filter((line) => line.endsWith(` by ${name}`)).map((line) => line.split(' ')[0])

test.describe('at the end of the login', () => {
  test('a page shows what everybody may see', async ({ page, context }) => {
    const name = await logIn(context)
    await page.clock.install()
    await open(page, '/')
    await expect(page.getByText(`Logged in: ${name}`)).toBeVisible()
    await pass(19 * minute, page)
    await expect(secret(page)).toBeVisible()
    await pass(minute, page)
    await expect(page.getByText('Nobody is logged in.')).toBeVisible()
    await expect(secret(page)).toHaveCount(0)
    await expect(button(page, 'Delete 7')).toHaveCount(0)

    await test.step('and somebody can log in again there', async () => {
      await page.getByLabel('Name').fill(name)
      await page.keyboard.press('Enter')
      await expect(page.getByText(`Logged in: ${name}`)).toBeVisible()
    })
  })

  test('a page for members gives way to the home page, and is not on the way back', async ({ page, context }) => {
    await logIn(context)
    await page.clock.install()
    await page.goto('/about')
    await open(page, `/members${script('data-at-expiry="leave" data-renew="never"')}`)
    await expect(secret(page)).toBeVisible()
    await pass(20 * minute, page)
    await expect(heading(page, 'Home')).toBeVisible()
    await goBack(page)
    await expect(heading(page, 'About')).toBeVisible()
  })

  test('a page that was the answer to a form is fetched without sending that again', async ({ page }) => {
    await page.clock.install()
    await page.goto('/enter')
    await button(page, 'Enter').click()
    await expect(heading(page, 'Entered')).toBeVisible()
    await expect.poll(() => page.evaluate(() => window.gsJwt.getSnapshot().status)).toBe('member')
    await pass(20 * minute, page)
    await expect(heading(page, 'Enter')).toBeVisible()
    await expect(page.getByText('Nobody is logged in.')).toBeVisible()
  })

  test('it goes where the page says', async ({ page, context }) => {
    await logIn(context)
    await page.clock.install()
    await open(page, `/members${script('data-at-expiry="leave" data-renew="never" data-home="/about"')}`)
    await pass(20 * minute, page)
    await expect(heading(page, 'About')).toBeVisible()
  })

  test('nothing secret is seen without network', async ({ page, context }) => {
    await logIn(context)
    await page.clock.install()
    await open(page, '/')
    await context.setOffline(true)
    await page.clock.fastForward(20 * minute)
    await expect(secret(page)).toHaveCount(0)
    await context.setOffline(false)
  })

  test('nothing secret is seen while the server takes its time', async ({ page, context }) => {
    await logIn(context)
    await page.clock.install()
    await open(page, '/')
    const answer = Promise.withResolvers<void>()
    await page.route('/', async (route) => {
      await answer.promise
      await route.continue()
    })
    const displays: string[] = []
    await page.exposeFunction('tell', (display: string) => displays.push(display))
    await page.evaluate(() => {
      const { tell } = globalThis as unknown as { tell: (display: string) => void }
      new MutationObserver(() => tell(getComputedStyle(document.documentElement).display)).observe(document.documentElement, {
        attributes: true
      })
    })
    await pass(20 * minute, page)
    await expect.poll(() => displays).toEqual(['none'])
    answer.resolve()
    await expect(page.getByText('Nobody is logged in.')).toBeVisible()
  })

  test('a page that was told before can stay, and keep what was typed', async ({ page, context }) => {
    await logIn(context)
    await page.clock.install()
    await open(page, '/')
    await page.evaluate(() => addEventListener('gs-jwt-expiring', (event) => event.preventDefault()))
    await pass(19 * minute, page)
    await pass(minute, page)
    await expect.poll(() => page.evaluate(() => window.ends)).toEqual(['expired'])
    await expect(secret(page)).toBeVisible()
    expect(await page.evaluate(() => window.gsJwt.getSnapshot().status)).toBe('ended')
  })

  test.describe('in a page that the browser has kept', () => {
    test('the Back button shows nothing secret', async ({ page, context }) => {
      await logIn(context, { expiresIn: 3 })
      await open(page, '/')
      await expect(secret(page)).toBeVisible()
      await page.evaluate(() =>
        addEventListener('pageshow', () => sessionStorage.setItem('back', getComputedStyle(document.documentElement).display))
      )
      await link(page, 'About').click()
      await expect(heading(page, 'About')).toBeVisible()
      await expect.poll(async () => (await page.request.get('/jwt/session')).json()).toMatchObject({ sub: null })
      // As it was, or only its file: browsers differ.
      await goBack(page)
      await expect(page.getByText('Nobody is logged in.')).toBeVisible()
      await expect(secret(page)).toHaveCount(0)
      expect([null, 'none']).toContain(await page.evaluate(() => sessionStorage.getItem('back')))
    })

    test('nothing is seen until it is sure that the login goes on, and then all is in its place', async ({ page, context }) => {
      await logIn(context)
      await open(page, '/members')
      const seen = await page.evaluate(() => {
        const form = document.querySelector('form')!
        Object.assign(form.style, { height: '20px', overflow: 'scroll' })
        form.querySelector('button')!.style.height = '1000px'
        document.body.style.height = '5000px'
        scrollTo(0, 700)
        const height = () => document.documentElement.offsetHeight
        const look = () => [height() > 0, scrollY]
        return ['', 'pagehide', 'pageshow'].map((type) => {
          if (type !== '') dispatchEvent(new PageTransitionEvent(type, { persisted: true }))
          return look()
        })
      })
      expect(seen).toEqual([
        [true, 700],
        [false, 0],
        [true, 700]
      ])
    })

    test('a login that is over by then is the end of the page', async ({ page, context }) => {
      await logIn(context)
      await page.clock.install()
      await open(page, `/members${script('data-at-expiry="leave" data-renew="never"')}`)
      await page.evaluate(() => dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true })))
      await expect(secret(page)).toBeHidden()
      await page.request.post('/clock', { data: { ms: 20 * minute } })
      await page.clock.setSystemTime(new Date(Date.now() + 20 * minute))
      await page.evaluate(() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })))
      await expect(heading(page, 'Home')).toBeVisible()
    })
  })
})

test.describe('a login in use', () => {
  test('is renewed, and the page goes on with what the server has written into it', async ({ page, context }) => {
    const name = await logIn(context)
    await page.clock.install()
    await open(page, '/members')
    const first = await csrfOf(page)
    await pass(18 * minute, page)
    await expect.poll(() => csrfOf(page)).not.toBe(first)
    await pass(10 * minute, page)
    await expect(secret(page)).toBeVisible()

    await link(page, 'Delete 2').click()
    await expect(heading(page, 'Deleted')).toBeVisible()
    await goBack(page)
    await button(page, 'Delete 4').click()
    await expect(heading(page, 'Deleted')).toBeVisible()
    expect(await deletedBy(page, name)).toEqual(['2', '4'])
  })

  test('is not renewed while nobody does anything: the page says so, until somebody does', async ({ page, context }) => {
    await logIn(context)
    await page.clock.install()
    await open(page, '/members')
    const first = await csrfOf(page)
    await pass(18 * minute, page)
    await expect.poll(() => csrfOf(page)).not.toBe(first)
    const second = await csrfOf(page)
    await pass(19.5 * minute, page)
    await expect(page.getByRole('status').filter({ hasText: 'Your login ends soon.' })).toBeVisible()
    await page.keyboard.press('Tab')
    await expect.poll(() => csrfOf(page)).not.toBe(second)
    await expect(page.getByText('Your login ends soon.')).toBeHidden()
  })

  test('has one claim at a time: a link of before the renewal is refused outside of the page', async ({ page, context, request }) => {
    await logIn(context)
    await open(page, '/members')
    const before = (await link(page, 'Delete 2').getAttribute('href'))!
    expect((await page.evaluate(() => window.gsJwt.renew())).ok).toBe(true)
    expect((await page.request.get(before)).status()).toBe(403)
    expect((await request.get(before)).status()).toBe(401)
  })
})

test.describe('the claim', () => {
  test('comes along with links, forms and scripts of the page', async ({ page, context }) => {
    const name = await logIn(context)
    await open(page, '/members')
    const csrf = await csrfOf(page)

    await test.step('a link, by mouse', async () => {
      await link(page, 'Delete 1').click()
      await expect(heading(page, 'Deleted')).toBeVisible()
      await expect(page.getByText('{"really":"yes"}')).toBeVisible()
      expect(new URL(page.url()).hash).toBe('#done')
    })
    await test.step('by keyboard', async () => {
      await goBack(page)
      await link(page, 'Delete 1').press('Enter')
      await expect(heading(page, 'Deleted')).toBeVisible()
    })
    await test.step('in another tab', async () => {
      await goBack(page)
      const other = context.waitForEvent('page')
      await link(page, 'Delete 1').click({ button: 'middle' })
      await expect(heading(await other, 'Deleted')).toBeVisible()
      const third = context.waitForEvent('page')
      await link(page, 'Delete 1').click({ modifiers: ['ControlOrMeta'] })
      await expect(heading(await third, 'Deleted')).toBeVisible()
    })
    await test.step('and is not left in its address', async () => {
      await expect(link(page, 'Delete 1')).toHaveAttribute('href', '/messages/1/delete?really=yes#done')
    })
    await test.step('a form, with a field that is called action', async () => {
      await button(page, 'Delete 3').click()
      await expect(heading(page, 'Deleted')).toBeVisible()
    })
    await test.step('a script', async () => {
      await goBack(page)
      await button(page, 'Delete 5').click()
      await expect(page.locator('output')).toHaveText('200')
    })
    expect(await deletedBy(page, name)).toEqual(['1', '1', '1', '1', '3', '5'])
    expect(JSON.stringify(await logOf(page))).not.toContain(csrf)
  })

  test('comes along with what is used before the script knows it', async ({ page, context }) => {
    const name = await logIn(context)
    for (const use of [() => link(page, 'Delete 1').click(), () => button(page, 'Delete 3').click()]) {
      const answer = Promise.withResolvers<void>()
      await page.route('**/jwt/session', async (route) => {
        await answer.promise
        await route.continue()
      })
      await page.goto('/members')
      await use()
      await expect(heading(page, 'Members')).toBeVisible()
      answer.resolve()
      await expect(heading(page, 'Deleted')).toBeVisible()
      await page.unrouteAll()
    }
    expect(await deletedBy(page, name)).toEqual(['1', '3'])
  })

  test('does not undo what the page does with a link', async ({ page, context }) => {
    await logIn(context)
    await open(page, '/members')
    await link(page, 'Delete 9').click()
    // As long as it takes to put the address back.
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 10)))
    await expect(link(page, 'Delete 9')).toHaveAttribute('href', '/messages/9/restore')
  })

  test.describe('of a link that tells others what it does', () => {
    test.use({ allowed: /status of 403/ })

    test('is not told to them', async ({ page, context }) => {
      await logIn(context)
      await open(page, '/members')
      await link(page, 'Delete 8, and tell others').click()
      await expect(page.getByText('GS_JWT_CSRF')).toBeVisible()
      await expect.poll(async () => (await logOf(page)).told.filter((line) => line.startsWith('/ping'))).toHaveLength(1)
      expect(JSON.stringify(await logOf(page))).not.toContain('csrf')
    })
  })

  test('is told to no other site', async ({ page, context, sites }) => {
    await logIn(context)
    for (const use of [
      () => link(page, 'Elsewhere').click(),
      () => button(page, 'Form elsewhere').click(),
      () => button(page, 'Button elsewhere').click()
    ]) {
      await open(page, '/members')
      await use()
      await expect(heading(page, 'Thanks')).toBeVisible()
      expect(page.url()).not.toContain('csrf')
    }
    expect(new URL(page.url()).origin).toBe(sites.evil)
    const { told } = await logOf(page.context().pages()[0]!)
    expect(told.slice(-3)).toEqual(['/told?from=link', '/told?from=form', '/told?from=button'])
  })
})

test.describe('what was made up elsewhere', () => {
  test.use({ allowed: /status of 40[13]/ })

  test('does nothing: links and forms of another site, and links without claim', async ({ page, context, sites }) => {
    const name = await logIn(context)
    // Another port is the same site for cookies; another host is not, and a form from there brings none.
    const sameSite = sites.evil
    const crossSite = sites.evil.replace('localhost', '127.0.0.1')
    for (const [address, what, status] of [
      [sameSite, link(page, 'Take it'), 403],
      [sameSite, link(page, 'Take it all'), 403],
      [sameSite, button(page, 'Post it'), 403],
      [crossSite, link(page, 'Take it'), 403],
      [crossSite, link(page, 'Take it all'), 403],
      [crossSite, button(page, 'Post it'), 401]
    ] as const) {
      await page.goto(address)
      const answered = page.waitForResponse(/\/messages\/6\/delete/)
      await what.click()
      expect((await answered).status()).toBe(status)
    }
    await open(page, '/members')
    await link(page, 'Delete without claim').click()
    await expect(page.getByText('GS_JWT_CSRF')).toBeVisible()
    expect(await deletedBy(page, name)).toEqual([])
  })
})

test.describe('with two tabs', () => {
  test('both go when one logs out', async ({ page, context }) => {
    await logIn(context)
    const other = await context.newPage()
    await open(page, '/')
    await open(other, `/members${script('data-at-expiry="leave"')}`)
    await button(page, 'Log out').click()
    await expect(page.getByText('Nobody is logged in.')).toBeVisible()
    await expect(heading(other, 'Home')).toBeVisible()
    await expect(secret(other)).toHaveCount(0)
  })

  test('the page of one person is not used by another one', async ({ page, context }) => {
    const ann = await logIn(context)
    const other = await context.newPage()
    await open(page, '/')
    await expect(page.getByText(`Logged in: ${ann}`)).toBeVisible()
    const bob = await logIn(context)
    // Both had the page of the first one in their cache.
    await other.goto('/')
    await expect(other.getByText(`Logged in: ${bob}`)).toBeVisible()
    await expect(page.getByText(`Logged in: ${bob}`)).toBeVisible()
  })

  test('both go on when one renews, with their links', async ({ page, context }) => {
    const name = await logIn(context)
    const other = await context.newPage()
    await open(page, '/members')
    await open(other, '/members')
    const first = await csrfOf(page)
    await other.evaluate(() => window.gsJwt.renew())
    await expect.poll(() => csrfOf(page)).not.toBe(first)
    await link(page, 'Delete 2').click()
    await expect(heading(page, 'Deleted')).toBeVisible()
    expect(await deletedBy(page, name)).toEqual(['2'])
  })
})
