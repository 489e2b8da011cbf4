import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import Fastify from 'fastify'
import { html, type Html } from './html.ts'
import { sendPage, wantsPage } from './page.ts'
import { build } from './testing/build.ts'

const page = async (t: TestContext, title: string, content: Html, siteName = 'Test site', status = 200) => {
  const app = Fastify()
  t.after(() => app.close())
  app.get('/', (_request, reply) => sendPage(reply, status, '/lwsgs', siteName, { title, content }))
  return { get: () => app.inject('/'), head: () => app.inject({ method: 'HEAD', url: '/' }) }
}

describe('sendPage', () => {
  it('answers with a whole page and the given status', async (t) => {
    const { get, head } = await page(t, 'Not here', html`<p>text</p>`, 'Test site', 404)
    const { statusCode, headers, body } = await get()
    assert.equal(statusCode, 404)
    assert.equal(headers['content-type'], 'text/html; charset=utf-8')
    assert.match(body, /^<!doctype html>\s*<html lang="en">/)
    assert.match(body, /<title>Not here · Test site<\/title>/)
    assert.match(body, /<h1>Not here<\/h1>/)
    assert.ok(body.includes('<p>text</p>'))
    const { statusCode: headStatus, body: headBody } = await head()
    assert.deepEqual([headStatus, headBody], [404, ''])
  })

  it('is never stored, framed, guessed about, or named in full to other pages', async (t) => {
    const { headers } = await (await page(t, 'x', html``)).get()
    assert.equal(headers['cache-control'], 'no-store')
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal(headers['cross-origin-opener-policy'], 'same-origin')
    assert.match(headers['referrer-policy'] as string, /^(?:no-referrer|strict-origin)$/)
    const policy = new Map((headers['content-security-policy'] as string).split('; ').map((part) => part.split(' ') as [string, string]))
    assert.deepEqual(Object.fromEntries(policy), {
      'default-src': "'none'",
      'style-src': "'self'",
      'form-action': "'self'",
      'base-uri': "'none'",
      'frame-ancestors': "'none'"
    })
  })

  it('shows texts as they are, and only marked content as HTML', async (t) => {
    const hostile = '<script>alert(1)</script>"\'&amp;${1}{{1}}'
    const escaped = '&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;amp;${1}{{1}}'
    const { body } = await (await page(t, hostile, html`<p title="${hostile}">${hostile}</p>`, hostile)).get()
    assert.ok(!body.includes('<script'))
    assert.equal(body.split(escaped).length - 1, 6)
    assert.ok(body.includes(`<p title="${escaped}">${escaped}</p>`))
  })

  it('runs no script and styles nothing in place, and its style sheet is there', async (t) => {
    const { browser } = await build(t)
    const { body } = await browser().visit('/lwsgs/lwsgs-confirm?token=x')
    assert.doesNotMatch(body, /<script|<style|\sstyle=|\son\w+=|javascript:|https?:/i)
    const [, sheet] = /<link rel="stylesheet" href="([^"]+)"/.exec(body)!
    const style = await browser().get(sheet!)
    assert.equal(style.statusCode, 200)
    assert.match(style.headers['content-type']!, /^text\/css/)
  })
})

describe('wantsPage', () => {
  const browserAccept = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'
  const table: readonly [method: string, headers: Parameters<typeof wantsPage>[1], wants: boolean][] = [
    ['GET', { accept: browserAccept, 'sec-fetch-mode': 'navigate' }, true],
    ['HEAD', { accept: browserAccept, 'sec-fetch-mode': 'navigate' }, true],
    ['GET', { accept: '*/*', 'sec-fetch-mode': 'navigate' }, true],
    ['GET', { accept: browserAccept }, true],
    ['HEAD', { accept: 'text/html' }, true],
    ['GET', { accept: browserAccept, 'sec-fetch-mode': 'cors' }, false],
    ['GET', { accept: browserAccept, 'sec-fetch-mode': 'no-cors' }, false],
    ['GET', { accept: browserAccept, 'sec-fetch-mode': 'same-origin' }, false],
    ['GET', { accept: browserAccept, 'sec-fetch-mode': 'websocket' }, false],
    ['GET', { accept: browserAccept, 'sec-fetch-mode': ['navigate', 'cors'] }, false],
    ['GET', { accept: 'application/json' }, false],
    ['GET', { accept: '*/*' }, false],
    ['GET', {}, false],
    ['POST', { accept: browserAccept, 'sec-fetch-mode': 'navigate' }, false],
    ['PUT', { accept: browserAccept }, false],
    ['OPTIONS', { accept: browserAccept }, false]
  ]
  for (const [method, headers, wants] of table)
    it(`${wants ? 'holds' : 'does not hold'} for ${method} ${JSON.stringify(headers)}`, () =>
      assert.equal(wantsPage(method, headers), wants))
})
