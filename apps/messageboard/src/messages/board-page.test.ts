import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { configureApp, startApp, type Visitor } from '../testing.ts'
import { buildApp } from '../app.ts'
import { renderBoardPage, type BoardPage } from './board-page.ts'
import type { Post } from './protocol.ts'

const post = (content: string, others: Partial<Post> = {}): Post => ({
  idx: 7,
  time: 1_795_225_853,
  username: 'alice',
  content,
  own: false,
  deletable: false,
  ...others
})

const render = (page: Partial<BoardPage>) =>
  String(renderBoardPage({ username: 'alice', posts: [], older: false, before: null, timeZone: null, postId: 'an-id', ...page }))

/** What stands in the paragraph of the post. */
const contentOf = (text: string) => /<p class="content" dir="auto">([\s\S]*?)<\/p>/.exec(render({ posts: [post(text)] }))![1]!

const unescape = (html: string) =>
  html
    .replace(/<[^>]*>/g, '')
    .replace(/&(lt|gt|amp|quot|#39);/g, (_, name: string) => ({ lt: '<', gt: '>', amp: '&', quot: '"', '#39': "'" })[name]!)

describe('renderBoardPage', () => {
  for (const text of [
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '</p></li></ol><form action="https://evil.test">',
    '<!-- &lt;b&gt; &amp;amp; -->',
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    'javascript:alert(1)',
    'https://example.com/"onclick="alert(1)',
    "https://example.com/'onclick='alert(1)",
    'https://example.com/<script>alert(1)</script>',
    'https://user@evil.test/',
    '\u202ehttps://example.com/\u202c',
    '\n\n  spaces and lines  \n',
    'e\u0301\u0489\u200d'.repeat(100),
    '$lwsgs_user ${alert(1)} {{x}}',
    '😀'.repeat(4000)
  ]) {
    it(`shows ${JSON.stringify(text.slice(0, 40))} as text, exactly`, () => {
      const shown = contentOf(text)
      assert.equal(unescape(shown), text)
      for (const [tag] of shown.matchAll(/<[^>]*>/g)) {
        assert.match(
          tag,
          /^(<\/a>|<a href="https?:\/\/[^"<>\s]+" dir="ltr" rel="noopener noreferrer nofollow ugc"( title="leads to [\w.:[\]-]+")?\s*>)$/
        )
      }
    })
  }

  it('makes links of addresses, and says where those lead that are not what they look like', () => {
    assert.equal(
      contentOf('see https://example.com/a?b&c=d.'),
      'see <a href="https://example.com/a?b&amp;c=d" dir="ltr" rel="noopener noreferrer nofollow ugc">https://example.com/a?b&amp;c=d</a>.'
    )
    assert.match(contentOf('https://bücher.example'), /title="leads to xn--bcher-kva\.example"\s*>https:\/\/bücher\.example<\/a>$/)
  })

  it('escapes names', () => {
    const html = render({ username: '"><b>x</b>', posts: [post('x', { username: '</bdi><script>', deletable: true })] })
    assert.doesNotMatch(html, /<b>|<script/)
  })

  it('has no script, no style and nothing of other sites', () => {
    const html = render({
      posts: [post('x', { own: true, deletable: true })],
      older: true,
      before: 9,
      refused: { problem: 'No.', text: 'x' }
    })
    assert.doesNotMatch(html, /<script|<style|style=|\son\w+=|https?:/)
  })

  it('offers to delete where it may, and marks what is own', () => {
    const html = render({
      before: 30,
      posts: [post('a', { idx: 3 }), post('b', { idx: 2, deletable: true }), post('c', { idx: 1, own: true, deletable: true })]
    })
    assert.deepEqual(
      [...html.matchAll(/action="(\/lwsgs\/messages\/[^"]*)"/g)].map(([, action]) => action),
      ['/lwsgs/messages/2/delete', '/lwsgs/messages/1/delete']
    )
    assert.equal(html.match(/name="before" value="30"/g)!.length, 2)
    assert.equal(html.match(/class="own"/g)!.length, 1)
  })

  it('leads to older posts as long as there are some', () => {
    assert.match(render({ posts: [post('x', { idx: 31 })], older: true }), /href="\/lwsgs\/board\.html\?before=31"/)
    assert.doesNotMatch(render({ posts: [post('x', { idx: 31 })], older: false }), /\?before=/)
    assert.match(render({}), /Nothing here yet/)
    assert.match(render({ before: 1 }), /no older posts/)
  })

  it('shows times in the time zone of the reader, or says which it is', () => {
    assert.match(
      render({ posts: [post('x')], timeZone: 'Asia/Tokyo' }),
      /<time datetime="2026-11-21T01:50:53\.000Z">Nov 21, 2026, 10:50.AM<\/time>/
    )
    assert.match(render({ posts: [post('x')] }), /1:50:53.AM UTC<\/time>/)
  })

  it('keeps a text that was refused, its first line end too', () => {
    const html = render({ refused: { problem: 'The text is too long.', text: '\n<b>mine</b>' } })
    assert.match(html, /<p class="problem" id="problem" role="alert">The text is too long\.<\/p>/)
    assert.match(html, /aria-invalid="true" aria-describedby="problem" autofocus[^>]*>\n\n&lt;b&gt;mine&lt;\/b&gt;<\/textarea>/)
  })
})

describe('/lwsgs/board.html', () => {
  /** As a browser opens a page; `fetch` would say that it is none. */
  const asPage = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'same-origin' }
  const send = (visitor: Visitor, path: string, fields: Record<string, string>) =>
    visitor.fetch(path, { method: 'POST', body: new URLSearchParams(fields), headers: { accept: 'text/html' } })

  it('leads those who are not allowed to the login page', async (t) => {
    const app = await buildApp(await configureApp(t))
    t.after(() => app.close())
    const answer = await app.inject({ url: '/lwsgs/board.html?before=3', headers: asPage })
    assert.deepEqual(
      [answer.statusCode, answer.headers.location],
      [303, `/lwsgs/?next=${encodeURIComponent('/lwsgs/board.html?before=3')}`]
    )
  })

  it('is read, written and tidied up without scripts', async (t) => {
    const { admin, visitor } = await startApp(t)
    const unverified = visitor()
    await unverified.signUp('uma', false)
    assert.equal((await unverified.fetch('/lwsgs/board.html')).status, 403)

    const boss = await admin()
    const page = async (query = '') => {
      const response = await boss.fetch(`/lwsgs/board.html${query}`)
      assert.equal(response.status, 200)
      assert.equal(response.headers.get('content-type'), 'text/html; charset=utf-8')
      assert.equal(response.headers.get('cache-control'), 'no-store')
      return response.text()
    }
    const id = /name="id" value="([^"]+)"/.exec(await page())![1]!
    assert.notEqual(/name="id" value="([^"]+)"/.exec(await page())![1]!, id)
    for (let time = 0; time < 2; time++) {
      const posted = await send(boss, '/lwsgs/msg', { msg: 'zwei\r\nZeilen', page: 'board.html', id })
      assert.deepEqual([posted.status, posted.headers.get('location')], [303, '/lwsgs/board.html'])
    }
    assert.deepEqual(
      [...(await page()).matchAll(/<p class="content" dir="auto">([\s\S]*?)<\/p>/g)].map(([, text]) => text),
      ['zwei\nZeilen']
    )
    assert.equal((await send(boss, '/lwsgs/messages/1/delete', {})).status, 303)
    assert.match(await page(), /Nothing here yet/)

    for (let number = 1; number <= 31; number++) await boss.write(`post ${number}`)
    const older = /href="(\/lwsgs\/board\.html\?before=\d+)"/.exec(await page())![1]!
    assert.match(await page(older.slice(older.indexOf('?'))), />post 1<\/p>/)
    const wrong = await boss.fetch('/lwsgs/board.html?before=x', { headers: { accept: 'text/html' } })
    assert.equal(wrong.status, 400)
  })

  it('keeps what was typed when it is refused, and tells people of other failures with a page', async (t) => {
    const { admin, app } = await startApp(t)
    const boss = await admin()
    const long = 'x'.repeat(4001)
    const refused = await send(boss, '/lwsgs/msg', { msg: long, page: 'board.html' })
    assert.equal(refused.status, 400)
    const html = await refused.text()
    assert.match(html, /role="alert">The text is too long; 4000/)
    assert.ok(html.includes(`${long}</textarea>`))
    const { cookie } = boss
    // Through the side door: fetch cannot say that a page is opened.
    const missing = await app.inject({
      method: 'POST',
      url: '/lwsgs/messages/5/delete',
      headers: { ...asPage, cookie, 'content-type': 'application/x-www-form-urlencoded' },
      payload: ''
    })
    assert.deepEqual([missing.statusCode, missing.headers['content-type']], [404, 'text/html; charset=utf-8'])
    assert.match(missing.body, /<h1>There is no such post/)
  })

  it('has a style of its own, with the colours of the page with scripts', async (t) => {
    const { visitor } = await startApp(t)
    const response = await visitor().fetch('/lwsgs/board.css')
    assert.deepEqual([response.status, response.headers.get('content-type')], [200, 'text/css; charset=utf-8'])
    const style = await response.text()
    const page = readFileSync(join(import.meta.dirname, '../../web/page.css'), 'utf8')
    for (const name of ['page', 'surface', 'text', 'muted', 'line', 'outline', 'accent', 'on-accent', 'danger']) {
      const values = (css: string) => [...css.matchAll(new RegExp(`--${name}: (#\\w+);`, 'g'))].map(([, value]) => value)
      assert.equal(values(style).length, 2)
      assert.deepEqual(values(style), values(page), name)
    }
  })
})
