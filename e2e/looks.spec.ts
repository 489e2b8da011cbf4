import { expect, test as base, type Page } from '@playwright/test'
import { enter, startReactApp, type ReactApp } from './helpers/react-app.ts'

const test = base.extend<object, { app: ReactApp }>({
  app: [
    // oxlint-disable-next-line no-empty-pattern -- Playwright wants a pattern, also when there is nothing to ask for
    async ({}, use, { workerIndex }) => {
      const app = await startReactApp('19', Number(process.env['E2E_PORT'] ?? 7697) + 300 + workerIndex)
      await use(app)
      await app.stop()
    },
    { scope: 'worker' }
  ]
})

const memberPanels = ['badge', 'account', 'change-password', 'change-email', 'sessions', 'delete-account']
const guestPanels = ['login', 'login-code', 'register', 'forgot-password']

async function open(page: Page, app: ReactApp, panel: string): Promise<void> {
  await page.goto(`${app.origin}/?panel=${panel}`)
  await expect(page.locator(`[data-panel="${panel}"] .gs-heading`)).toBeVisible()
}

/** Opens all panels, the guests' ones first. */
async function eachPanel(page: Page, app: ReactApp, look: (panel: string) => Promise<void>): Promise<void> {
  for (const panel of guestPanels) {
    await open(page, app, panel)
    await look(panel)
  }
  await enter(page, app, 'somebody.with-a-long-name')
  for (const panel of memberPanels) {
    await open(page, app, panel)
    await look(panel)
  }
}

test('nothing moves while the widget comes', async ({ page, app }) => {
  await page.addInitScript(() => {
    const seen = { shift: 0 }
    Object.assign(window, { seen })
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) seen.shift += (entry as PerformanceEntry & { value: number }).value
    }).observe({ type: 'layout-shift', buffered: true })
  })
  const shift = async () => {
    // Two frames later everything that came has been measured.
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))))
    return page.evaluate('seen.shift')
  }
  await page.goto(app.origin)
  await expect(page.getByRole('heading', { name: 'Log in' })).toBeVisible()
  expect(await shift()).toBeLessThan(0.01)
  await page.goto(`${app.origin}/?code`)
  await expect(page.getByRole('button', { name: 'Log in with a code by mail' })).toBeVisible()
  expect(await shift()).toBeLessThan(0.01)
  const username = await enter(page, app, 'still')
  await page.goto(app.origin)
  await expect(page.getByRole('heading', { name: username })).toBeVisible()
  await page.goto(app.origin)
  await expect(page.getByRole('heading', { name: username })).toBeVisible()
  expect(await shift()).toBeLessThan(0.01)
})

test('all panels fit 320 pixels, twice as large text and both directions, with buttons that a finger hits', async ({ page, app }) => {
  test.setTimeout(120_000)
  await page.setViewportSize({ width: 320, height: 700 })
  await eachPanel(page, app, async (panel) => {
    for (const direction of ['ltr', 'rtl']) {
      for (const zoom of ['100%', '200%']) {
        await page.evaluate(
          ({ direction, zoom }) => {
            document.querySelector<HTMLElement>('.gs-widget')!.dir = direction
            document.documentElement.style.fontSize = zoom
          },
          { direction, zoom }
        )
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
        expect(overflow, `${panel} ${direction} ${zoom}`).toBeLessThanOrEqual(0)
      }
    }
    await page.evaluate(() => (document.documentElement.style.fontSize = ''))
    for (const button of await page.locator('.gs-button:not([data-look="link"]), .gs-reveal, .gs-input').all()) {
      expect((await button.boundingBox())!.height, `${panel}: ${await button.textContent()}`).toBeGreaterThanOrEqual(44)
    }
  })
})

for (const colorScheme of ['light', 'dark'] as const) {
  test(`all text has contrast in the ${colorScheme} scheme`, async ({ page, app }) => {
    test.setTimeout(120_000)
    await page.emulateMedia({ colorScheme })
    await eachPanel(page, app, async (panel) => {
      await page.evaluate(() => (document.documentElement.style.colorScheme = 'light dark'))
      const poor = await page.locator('.gs-widget').evaluate(findPoorContrast)
      expect(poor, panel).toEqual([])
    })
  })
}

/** Texts with less than 4.5:1 against what is behind them. Runs in the page. */
function findPoorContrast(widget: Element): string[] {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true })!
  /** The colours on top of each other, as the screen shows them. */
  const paint = (colors: string[]) => {
    canvas.fillStyle = '#fff'
    canvas.fillRect(0, 0, 1, 1)
    for (const color of colors) {
      canvas.fillStyle = color
      canvas.fillRect(0, 0, 1, 1)
    }
    return Array.from(canvas.getImageData(0, 0, 1, 1).data.slice(0, 3))
  }
  const luminance = (rgb: number[]) => {
    const [red = 0, green = 0, blue = 0] = rgb.map((part) =>
      part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  const poor: string[] = []
  for (const element of widget.querySelectorAll<HTMLElement>('*')) {
    const own = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent!.trim() !== '')
    if (!own || !element.checkVisibility({ visibilityProperty: true })) continue
    const behind: string[] = []
    for (let at: Element | null = element; at !== null; at = at.parentElement) behind.unshift(getComputedStyle(at).backgroundColor)
    const back = luminance(paint(behind))
    const front = luminance(paint([...behind, getComputedStyle(element).color]))
    const ratio = (Math.max(back, front) + 0.05) / (Math.min(back, front) + 0.05)
    if (ratio < 4.5) poor.push(`${element.className} ${element.textContent}: ${ratio.toFixed(2)}`)
  }
  return poor
}

const properties = [
  { name: '--gs-accent', element: '.gs-button', shows: 'background-color', value: 'rgb(120, 0, 120)' },
  { name: '--gs-on-accent', element: '.gs-button', shows: 'color', value: 'rgb(255, 255, 200)' },
  { name: '--gs-background', element: '.gs-widget', shows: 'background-color', value: 'rgb(1, 2, 3)' },
  { name: '--gs-field', element: '.gs-input', shows: 'background-color', value: 'rgb(4, 5, 6)' },
  { name: '--gs-text', element: '.gs-heading', shows: 'color', value: 'rgb(7, 8, 9)' },
  { name: '--gs-muted', element: '.gs-reveal', shows: 'color', value: 'rgb(10, 11, 12)' },
  { name: '--gs-border', element: '.gs-widget', shows: 'border-top-color', value: 'rgb(13, 14, 15)' },
  { name: '--gs-outline', element: '.gs-input', shows: 'border-top-color', value: 'rgb(16, 17, 18)' },
  { name: '--gs-danger', element: '.gs-error', shows: 'color', value: 'rgb(19, 20, 21)' },
  { name: '--gs-radius', element: '.gs-button', shows: 'border-top-left-radius', value: '3px' },
  { name: '--gs-font', element: '.gs-widget', shows: 'font-family', value: 'monospace' },
  { name: '--gs-width', element: '.gs-widget', shows: 'max-width', value: '300px' },
  { name: '--gs-padding', element: '.gs-widget', shows: 'padding-top', value: '7px' }
]

for (const colorScheme of ['light', 'dark'] as const) {
  for (const place of [':root', '#root']) {
    test(`custom properties on ${place} change the ${colorScheme} look`, async ({ page, app }) => {
      await page.emulateMedia({ colorScheme })
      await open(page, app, 'login')
      await page.getByLabel('User name or e-mail').fill('somebody')
      await page.getByRole('button', { name: 'Log in', exact: true }).click()
      await expect(page.locator('.gs-error')).toBeVisible()
      const found = await page.evaluate(
        ({ place, properties }) => {
          const style = (document.querySelector(place) as HTMLElement).style
          return properties.map(({ name, element, shows, value }) => {
            const look = () => getComputedStyle(document.querySelector(element)!).getPropertyValue(shows)
            const before = look()
            style.setProperty(name, value)
            return { name, changed: before !== value, value: look() }
          })
        },
        { place, properties }
      )
      expect(found).toEqual(properties.map(({ name, value }) => ({ name, changed: true, value })))
    })
  }
}

test('a spinner stands still for who wants no motion', async ({ page, app }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' })
  await open(page, app, 'login')
  const animation = await page.locator('.gs-button').evaluate((button) => {
    button.setAttribute('aria-disabled', 'true')
    return getComputedStyle(button, '::after').animationName
  })
  expect(animation).toBe('none')
})

test('where the system replaces the colours, everything that can be used has an edge', async ({ page, app }) => {
  await page.emulateMedia({ forcedColors: 'active' })
  await enter(page, app, 'forced')
  for (const panel of ['badge', 'change-password']) {
    await open(page, app, panel)
    for (const element of await page.locator('.gs-button, .gs-input, .gs-avatar').all()) {
      const [edge, behind] = await element.evaluate((node) => {
        const style = getComputedStyle(node)
        return [style.borderTopColor, style.backgroundColor]
      })
      expect(edge).not.toBe(behind)
      expect(edge).not.toBe('rgba(0, 0, 0, 0)')
    }
  }
})

test('rules of the page for all buttons lay none over the password', async ({ page, app }) => {
  await page.route('**/style.css', async (route) => {
    const response = await route.fetch()
    const rules = `[type='button'], [type='submit'] { width: 100%; margin-bottom: 1rem } input { width: 50%; margin-bottom: 1rem }`
    await route.fulfill({ response, body: `${rules}\n${await response.text()}` })
  })
  await open(page, app, 'login')
  await page.getByLabel('Password', { exact: true }).click()
  await expect(page.getByLabel('Password', { exact: true })).toBeFocused()
  await expect(page.getByLabel('Password', { exact: true })).toHaveAttribute('type', 'password')
})

test('without the look everything still works', async ({ page, app }) => {
  await page.route('**/style.css', (route) => route.fulfill({ contentType: 'text/css', body: '' }))
  await open(page, app, 'register')
  await page.getByRole('button', { name: 'Sign up' }).click()
  await expect(page.getByText('Please choose a user name.')).toBeVisible()
  await page.getByRole('button', { name: 'Show password' }).click()
  await expect(page.getByLabel('Password', { exact: true })).toHaveAttribute('type', 'text')
})

test('a picture is asked for elsewhere only when the page wants it', async ({ page, app }) => {
  const outside: string[] = []
  await page.route(
    (url) => url.origin !== app.origin,
    (route) => {
      outside.push(new URL(route.request().url()).host)
      return route.fulfill({ status: 404, body: '' })
    }
  )
  // The policy of the page would forbid it too; here only the widget decides.
  await page.route(`${app.origin}/?*`, async (route) => {
    const response = await route.fetch()
    await route.fulfill({ response, headers: { 'content-type': 'text/html' } })
  })
  const username = await enter(page, app, 'picture')
  await page.goto(`${app.origin}/?plain`)
  await expect(page.getByRole('heading', { name: username })).toBeVisible()
  await page.getByRole('button', { name: 'Account' }).click()
  await expect(page.getByRole('heading', { name: 'Account' })).toBeVisible()
  expect(outside).toEqual([])
  await page.goto(`${app.origin}/?gravatar`)
  await expect.poll(() => outside).toContain('gravatar.com')
  // Nobody is there: the initial stays.
  await expect(page.locator('.gs-avatar img')).toHaveCount(0)
  await expect(page.locator('.gs-avatar')).toHaveText('P')
})
