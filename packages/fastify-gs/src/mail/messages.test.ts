import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createMessages, translations } from '../texts/messages.ts'
import { hasLink, renderMessage, type MailContext, type MailKind, type Message } from './messages.ts'

const messages = createMessages({ language: 'en', languages: ['en', 'de', 'es', 'fr', 'ja', 'ar'], messages: {} })
const context: MailContext = { siteName: 'Test site', loginUrl: 'https://site.test/lwsgs/', contact: 'help@site.test', messages }
const link = 'https://site.test/lwsgs/lwsgs-confirm?token=abc_-DEF'
const facts = { username: 'alice', ip: '192.0.2.7', lifetime: 1_800_000 }
const kinds: readonly MailKind[] = [
  'verify-email',
  'forgot-password',
  'change-email',
  'login-code',
  'password-off',
  'already-registered',
  'email-in-use',
  'email-changed',
  'password-changed',
  'account-deleted'
]

const render = (kind: MailKind, parameters: Partial<typeof facts> = {}, given: Partial<MailContext> = {}): Message =>
  renderMessage(kind, { ...facts, ...parameters }, { ...context, ...given }, hasLink(kind) ? link : null)

/** What a reader of the HTML part sees. */
const visible = (html: string) =>
  html
    .replace(/<head>.*<\/head>/s, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/&(?:amp|lt|gt|quot|#39);/g, (entity) => ({ '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" })[entity]!)
    .replace(/\s+/g, ' ')
    .trim()

describe('renderMessage', () => {
  for (const kind of kinds) {
    it(`writes a "${kind}" mail that names site, account and contact in both forms`, () => {
      const { subject, text, html } = render(kind)
      assert.match(subject, /Test site/)
      for (const form of [text, visible(html)]) {
        for (const fact of ['Hello alice,', 'Test site', 'help@site.test']) assert.ok(form.includes(fact), `${fact} in ${form}`)
        if (kind !== 'account-deleted' && kind !== 'password-off') assert.ok(form.includes('192.0.2.7'))
        assert.equal(form.includes(link), hasLink(kind))
      }
      assert.match(html, /^<!doctype html>\n<html lang="en" dir="ltr">/)
    })
  }

  it('says the same in both forms, paragraph by paragraph', () => {
    for (const kind of kinds) {
      const { text, html } = render(kind)
      const shown = visible(html)
      for (const paragraph of text.trimEnd().split('\n\n')) assert.ok(shown.includes(paragraph), `${kind}: ${paragraph}`)
    }
  })

  it('has a link exactly for confirming, for a new password and to undo a change, alone on its line and as the only address to open', () => {
    assert.deepEqual(kinds.filter(hasLink), [
      'verify-email',
      'forgot-password',
      'change-email',
      'login-code',
      'password-off',
      'email-changed'
    ])
    for (const kind of kinds) {
      const { text, html } = render(kind)
      assert.deepEqual(
        [...html.matchAll(/href="([^"]*)"/g)].map((match) => match[1]),
        // A code is nothing to open.
        hasLink(kind) && kind !== 'login-code' ? [link] : []
      )
      assert.equal(text.split('\n').includes(link), hasLink(kind))
    }
  })

  it('loads nothing and runs nothing', () => {
    for (const kind of kinds)
      assert.doesNotMatch(render(kind).html, /<(?!\/?(?:html|head|meta|title|body|p|a)\b)[a-z]|\bsrc=|url\(|\son\w+=/i)
  })

  it('shows values as they are: never as markup, as a link or as a pattern', () => {
    const hostile = [
      '<b>bold</b>',
      '"><img src=x onerror=alert(1)>',
      "' onclick='x",
      '</title><script>alert(1)</script>',
      '<a href="http://evil.test">log in</a>',
      'http://evil.test/login',
      '{{7*7}}',
      '${7*7}',
      '$lwsgs_email',
      "$& $1 $` $'",
      '&amp;&lt;',
      '%s %(x)s',
      '=?utf-8?b?PGI+?=',
      '😀'.repeat(64)
    ]
    for (const kind of kinds) {
      const plain = render(kind)
      const tags = (html: string) => html.match(/<[^>]*>/g)
      for (const value of hostile) {
        const messages = [
          render(kind, { username: value }),
          render(kind, { ip: value }),
          render(kind, {}, { siteName: value }),
          render(kind, {}, { contact: value }),
          render(kind, {}, { loginUrl: value })
        ]
        for (const [index, { text, html }] of messages.entries()) {
          assert.deepEqual(tags(html), tags(plain.html), `${kind} ${index} ${value}`)
          for (const paragraph of text.trimEnd().split('\n\n')) {
            assert.ok(visible(html).includes(paragraph.replace(/\s+/g, ' ')), `${kind} ${index} ${value}`)
          }
        }
        assert.ok(messages[0]!.text.includes(`Hello ${value},`))
        assert.equal(messages[0]!.subject, plain.subject, 'the subject does not depend on what somebody calls himself')
      }
    }
  })

  it('tells a former address that the change cannot be undone when there is no link any more', () => {
    const { text, html } = renderMessage('email-changed', facts, context, null)
    for (const form of [text, visible(html)]) {
      assert.match(form, /cannot be undone any more/)
      assert.doesNotMatch(form, /link|take the account back/)
    }
    assert.doesNotMatch(html, /href/)
  })

  it('leaves the contact out when there is none', () => {
    for (const kind of kinds) assert.doesNotMatch(render(kind, {}, { contact: '' }).text, /Questions/)
  })

  it('says how long the link works in words that fit', () => {
    for (const [lifetime, words] of [
      [1_000, '1 minute'],
      [60_000, '1 minute'],
      [120_000, '2 minutes'],
      [1_800_000, '30 minutes'],
      [3_600_000, '1 hour'],
      [5_400_000, '90 minutes'],
      [86_400_000, '24 hours'],
      [172_800_000, '2 days'],
      [604_800_000, '7 days']
    ] as const) {
      assert.match(render('forgot-password', { lifetime }).text, new RegExp(`works once and for ${words}\\.`))
      assert.match(render('verify-email', { lifetime }).text, new RegExp(`works once and for ${words};`))
    }
  })

  const languages = Object.keys(translations)
  const variants = kinds.flatMap((kind) => [
    { kind, link: hasLink(kind) ? link : null, more: {} },
    ...(kind === 'forgot-password' ? [{ kind, link, more: { byAdmin: true } }] : []),
    ...(kind === 'email-changed' ? [{ kind, link: null, more: {} }] : [])
  ])

  for (const language of languages) {
    it(`writes every mail in "${language}", with its values and without a place that is left open`, () => {
      for (const { kind, link, more } of variants) {
        const said = renderMessage(kind, { ...facts, ...more, language }, context, link)
        assert.equal(said.language, language)
        assert.ok(said.html.includes(`<html lang="${language}" dir="${language === 'ar' ? 'rtl' : 'ltr'}">`))
        assert.match(said.subject, /Test site/)
        const english = renderMessage(kind, { ...facts, ...more }, context, link)
        for (const form of [said.text, visible(said.html)]) {
          assert.doesNotMatch(form, /[{}]|undefined/, `${kind}: ${form}`)
          assert.equal(form.includes(link ?? 'token='), link !== null)
          for (const fact of ['alice', 'Test site', '192.0.2.7', 'help@site.test', context.loginUrl])
            assert.equal(form.includes(fact), english.text.includes(fact), `${kind} ${fact} ${form}`)
        }
        assert.equal(said.text.split('\n\n').length, english.text.split('\n\n').length, `${kind} has as many paragraphs`)
      }
    })
  }

  it('says how long a link works in the language of the mail', () => {
    for (const [language, lifetime, words] of [
      ['de', 1_800_000, '30 Minuten'],
      ['de', 604_800_000, '7 Tage'],
      ['es', 86_400_000, '24 horas'],
      ['fr', 3_600_000, '1 heure'],
      ['ja', 1_800_000, '30 分'],
      ['ar', 604_800_000, '7 أيام']
    ] as const)
      assert.ok(
        renderMessage('verify-email', { ...facts, lifetime, language }, context, link)
          .text.replaceAll('\u{a0}', ' ')
          .includes(words),
        `${language} ${words}`
      )
  })

  it('falls back as a whole: no mail is written in two languages', () => {
    const some = createMessages({
      language: 'fr',
      languages: ['en', 'de', 'es', 'fr', 'ja', 'ar', 'pt'],
      messages: { pt: { 'mail.hello': 'Olá {username},' }, 'de-CH': { 'mail.hello': 'Grüezi {username},' } }
    })
    const said = (language?: string) =>
      renderMessage('password-changed', { ...facts, ...(language !== undefined && { language }) }, { ...context, messages: some }, null)
    assert.match(said('pt').text, /^Bonjour alice,\n\nle mot de passe/)
    assert.equal(said('pt').language, 'fr')
    assert.match(said('de-CH').text, /^Grüezi alice,\n\ndas Passwort/)
    assert.equal(said('de-CH').language, 'de-CH')
    assert.equal(said('de-AT').language, 'de')
    assert.equal(said().language, 'fr')
    assert.equal(said('not a tag').language, 'fr')
  })

  it('does not fill in a value again, nor part a paragraph at a line break in one', () => {
    const { text } = render('password-changed', { username: '{ip}\n{duration}' })
    assert.match(text, /^Hello \{ip\}\n\{duration\},\n\nthe password/)
  })

  it('keeps addresses readable between words from right to left', () => {
    const loginUrl = 'https://site.test/lwsgs/'
    const parameters = { ...facts, ip: '2001:db8::1', language: 'ar' }
    const { text, html } = renderMessage('already-registered', parameters, { ...context, siteName: '<C++>' }, null)
    for (const value of ['alice', '2001:db8::1', '&lt;C++&gt;', loginUrl, 'help@site.test'])
      assert.ok(html.includes(`<bdi>${value}</bdi>`), value)
    assert.match(text, /\u{200e}2001:db8::1\)/u)
    // Mail programs make links of these: nothing may stand on them.
    assert.ok(text.includes(` ${loginUrl}\n`))
    const english = renderMessage('already-registered', { ...parameters, language: 'en' }, context, null)
    assert.doesNotMatch(english.text + english.html, /bdi|\u{200e}/u)
  })

  it('is no worse for texts of the application that end in a line break, or have one in the subject', () => {
    const own = { 'mail.hello': '', 'mail.login-code.subject': 'Your code\r\nfor {siteName}\n', 'mail.login-code.text': 'One:\r\ntwo:\n' }
    const given = {
      ...context,
      messages: createMessages({ language: 'en', languages: ['en', 'de', 'es', 'fr', 'ja', 'ar'], messages: { en: own } })
    }
    const { subject, text, html } = renderMessage('login-code', facts, given, '12345678')
    assert.equal(subject, 'Your code for Test site')
    assert.match(text, /^One:\n\ntwo:\n\n12345678\n\nIt works/)
    assert.match(html, /<title>Your code for Test site<\/title>/)
    assert.doesNotMatch(html, /<p><\/p>/)
  })
})
