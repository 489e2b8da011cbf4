import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { deviceOf } from './device.ts'

const like = 'AppleWebKit/537.36 (KHTML, like Gecko)'
const apple = 'AppleWebKit/605.1.15 (KHTML, like Gecko)'

const known: readonly [browser: string | null, system: string | null, userAgent: string][] = [
  ['Chrome', 'Windows', `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${like} Chrome/141.0.0.0 Safari/537.36`],
  ['Chrome', 'Android', `Mozilla/5.0 (Linux; Android 10; K) ${like} Chrome/141.0.0.0 Mobile Safari/537.36`],
  ['Chrome', 'ChromeOS', `Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) ${like} Chrome/141.0.0.0 Safari/537.36`],
  ['Chrome', 'iPhone', `Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) ${apple} CriOS/141.0.7390.41 Mobile/15E148 Safari/604.1`],
  ['Chrome', 'Linux', `Mozilla/5.0 (X11; Linux x86_64) ${like} HeadlessChrome/141.0.0.0 Safari/537.36`],
  ['Edge', 'Windows', `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${like} Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0`],
  ['Edge', 'Android', `Mozilla/5.0 (Linux; Android 10; HD1913) ${like} Chrome/141.0.0.0 Mobile Safari/537.36 EdgA/141.0.0.0`],
  ['Opera', 'macOS', `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${like} Chrome/140.0.0.0 Safari/537.36 OPR/124.0.0.0`],
  ['Samsung Internet', 'Android', `Mozilla/5.0 (Linux; Android 10; K) ${like} SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36`],
  ['Firefox', 'Linux', 'Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0'],
  ['Firefox', 'Android', 'Mozilla/5.0 (Android 15; Mobile; rv:144.0) Gecko/144.0 Firefox/144.0'],
  ['Firefox', 'iPad', `Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) ${apple} FxiOS/144.0 Mobile/15E148 Safari/605.1.15`],
  ['Safari', 'macOS', `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${apple} Version/26.0 Safari/605.1.15`],
  ['Safari', 'iPhone', `Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) ${apple} Version/26.0 Mobile/15E148 Safari/604.1`],
  [null, 'Linux', `Mozilla/5.0 (X11; Linux x86_64) ${apple} Epiphany/605.1.15`]
]

describe('deviceOf', () => {
  for (const [browser, system, userAgent] of known) {
    test(`finds ${browser ?? 'no known browser'} on ${system} in ${userAgent}`, () => {
      assert.deepEqual(deviceOf(userAgent), { browser, system })
    })
  }

  test('finds nothing in what names nothing', () => {
    for (const userAgent of ['', 'curl/8.5.0', 'node', '<b>Chrome</b>', 'Chromecast', 'x'.repeat(512)]) {
      assert.deepEqual(deviceOf(userAgent), { browser: null, system: null }, userAgent)
    }
  })

  test('is quick with what was made to be slow', () => {
    const before = performance.now()
    deviceOf('Version/1 '.repeat(52))
    assert.ok(performance.now() - before < 50)
  })
})
