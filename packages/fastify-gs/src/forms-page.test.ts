import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ago, alsoOpen, avatar, deviceOf, renderForm, time, unsaid, type Form, type FormRefusal } from './forms-page.ts'
import { html } from './html.ts'

const form: Form = {
  name: 'sign-up',
  action: '/lwsgs/register?a=1&b=2',
  hidden: { next: '/members', gone: undefined },
  fields: [
    { name: 'username', label: 'User <name>', autocomplete: 'username', hint: 'Short & sweet', value: 'old' },
    { name: 'curpw', label: 'Password', type: 'password', value: 'never shown', refusedAs: 'currentPassword' },
    {
      name: 'level',
      label: 'Level',
      options: [
        ['', 'any'],
        ['10', 'user']
      ],
      required: false
    },
    { name: 'remember', label: 'Keep me', type: 'checkbox' }
  ],
  button: { text: 'Go', name: 'go', look: 'danger', label: 'Go on' }
}
const refused = (field: string | undefined, values: Record<string, string> = {}, name = 'sign-up'): FormRefusal => ({
  form: name,
  status: 400,
  message: 'No & no.',
  field,
  values
})
const tagOf = (text: string, name: string) => new RegExp(`<(?:input|select) [^>]*name="${name}"[^>]*>`).exec(text)![0]

describe('a form of a page', () => {
  it('names itself, its fields and its button, and escapes all of it', () => {
    const { text } = renderForm(form)
    assert.match(text, /^<form method="post" action="\/lwsgs\/register\?a=1&amp;b=2">/)
    assert.match(text, /<input type="hidden" name="form" value="sign-up" \/><input type="hidden" name="next" value="\/members" \/>/)
    assert.doesNotMatch(text, /gone|never shown|role="alert"|autofocus|aria-invalid/)
    assert.match(text, /<label for="sign-up-username">User &lt;name&gt;<\/label>/)
    assert.equal(
      tagOf(text, 'username'),
      '<input type="text" id="sign-up-username" name="username" required autocomplete="username" aria-describedby="sign-up-username-hint" value="old" />'
    )
    assert.match(text, /id="sign-up-username-hint">Short &amp; sweet</)
    assert.equal(tagOf(text, 'level'), '<select id="sign-up-level" name="level">')
    assert.equal(tagOf(text, 'remember'), '<input type="checkbox" value="on" id="sign-up-remember" name="remember" />')
    assert.match(text, /<button type="submit" name="go" value="1" class="danger" aria-label="Go on">Go<\/button>/)
  })

  it('shows what was typed, except passwords, and the reason at its field', () => {
    const { text } = renderForm(form, refused('currentPassword', { username: '"><b>', curpw: 'secret', level: '10', remember: 'on' }))
    assert.match(tagOf(text, 'username'), / value="&quot;&gt;&lt;b&gt;"/)
    assert.match(tagOf(text, 'curpw'), / aria-describedby="sign-up-curpw-error" aria-invalid="true" autofocus \/>$/)
    assert.match(text, /<p class="error" id="sign-up-curpw-error">No &amp; no\.<\/p>/)
    assert.match(text, /role="alert" class="failure"><a href="#sign-up-curpw">No &amp; no\.<\/a>/)
    assert.match(text, /<option value="10" selected>/)
    assert.match(tagOf(text, 'remember'), / checked \/>$/)
    assert.doesNotMatch(text, /secret|<b>/)
  })

  it('shows a reason that is about none of its fields by itself', () => {
    for (const field of [undefined, 'elsewhere', '__proto__']) {
      const { text } = renderForm(form, refused(field))
      assert.match(text, /<p role="alert" class="failure" tabindex="-1" autofocus>No &amp; no\.<\/p>/)
      assert.doesNotMatch(text, /aria-invalid/)
    }
  })

  it('is as before when another form of the page was refused', () => {
    assert.equal(renderForm(form, refused('username', { username: 'x' }, 'other')).text, renderForm(form).text)
  })
})

describe('a refusal', () => {
  it('is said once, whatever a visitor has typed', () => {
    assert.match(unsaid(html`<p>nothing</p>`, refused(undefined)).text, /role="alert"/)
    assert.match(unsaid(html`<input value="${'role="alert"'}" />`, refused(undefined)).text, /role="alert"/)
    assert.equal(unsaid(renderForm(form, refused('username')), refused('username')).text, '')
    assert.equal(unsaid(html``, undefined).text, '')
  })
})

describe('deviceOf', () => {
  const agents: readonly (readonly [userAgent: string, device: string])[] = [
    ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox on Linux'],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36',
      'Chrome on Windows'
    ],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0',
      'Edge on Windows'
    ],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15',
      'Safari on macOS'
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
      'Safari on iPhone'
    ],
    [
      'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36',
      'Samsung Internet on Android'
    ],
    [
      'Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36',
      'Chrome on ChromeOS'
    ],
    ['curl/8.14.1', 'curl/8.14.1'],
    ['', 'Unknown device'],
    ['x'.repeat(500), 'x'.repeat(60)]
  ]
  for (const [userAgent, device] of agents) it(`says ${device.slice(0, 30)}`, () => assert.equal(deviceOf(userAgent), device))
})

describe('times', () => {
  const now = Date.UTC(2026, 0, 10, 12)
  for (const [elapsed, says] of [
    [0, 'just now'],
    [-5_000, 'just now'],
    [59_999, 'just now'],
    [60_000, '1 minute ago'],
    [3_599_999, '59 minutes ago'],
    [7_200_000, '2 hours ago'],
    [86_400_000 * 3, '3 days ago']
  ] as const)
    it(`are ${says} after ${elapsed} ms`, () => assert.match(ago(now - elapsed, now).text, new RegExp(`>${says}<`)))

  it('are exact where that matters', () =>
    assert.equal(time(now).text, '<time datetime="2026-01-10T12:00:00.000Z">10 Jan 2026, 12:00 UTC</time>'))
})

describe('avatar', () => {
  for (const [name, initials] of [
    ['alice', 'A'],
    ['ann.lee', 'AL'],
    ['𝒳y', '𝒳'],
    ['_', '_']
  ] as const)
    it(`has the initials ${initials} of ${name}`, () =>
      assert.match(avatar(name).text, new RegExp(`data-hue="[0-7]"[^>]*>${initials}<`, 'u')))
})

describe('what a session has open', () => {
  for (const [pages, sockets, text] of [
    [0, 0, ''],
    [1, 0, ', 1 open page'],
    [0, 1, ', 1 open connection'],
    [2, 3, ', 2 open pages, 3 open connections']
  ] as const)
    it(`is said as "${text}" of ${pages} and ${sockets}`, () => assert.equal(alsoOpen({ pages, sockets }), text))
})
