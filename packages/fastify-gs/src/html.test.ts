import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { escapeHtml, Html, html } from './html.ts'

const entities: Record<string, string> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" }
/** What a browser reads. */
const decode = (text: string) => text.replace(/&(?:amp|lt|gt|quot|#39);/g, (entity) => entities[entity]!)

describe('escapeHtml', () => {
  it('turns every character that has a meaning in text or in an attribute into one that has none', () => {
    assert.equal(escapeHtml(`<a href="x" title='y'>&amp;</a>`), '&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;amp;&lt;/a&gt;')
    assert.equal(escapeHtml("O'Neil <b>&amp;"), 'O&#39;Neil &lt;b&gt;&amp;amp;')
  })

  it('leaves everything else, and loses nothing', () => {
    assert.equal(escapeHtml('plain é 😀 \u2028 ${7*7} {{7*7}} $1 $$ \\n'), 'plain é 😀 \u2028 ${7*7} {{7*7}} $1 $$ \\n')
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('<', '>', '&', '"', "'", ';', '#', 'a', 'amp', 'lt', '39', 'é') }), (text) => {
        const escaped = escapeHtml(text)
        assert.doesNotMatch(escaped, /[<>"']|&(?!(?:amp|lt|gt|quot|#39);)/)
        assert.equal(decode(escaped), text)
      })
    )
  })
})

describe('html', () => {
  it('escapes values, wherever they stand, and not its own text', () => {
    const hostile = '"><svg onload=1>'
    const page = html`<p title="${hostile}">${hostile}</p>`
    assert.ok(page instanceof Html)
    assert.equal(page.text, '<p title="&quot;&gt;&lt;svg onload=1&gt;">&quot;&gt;&lt;svg onload=1&gt;</p>')
  })

  it('takes what is HTML already as it is, once', () => {
    const inner = html`<b>${'<'}</b>`
    assert.equal(html`<p>${inner}</p>`.text, '<p><b>&lt;</b></p>')
    assert.equal(html`<p>${inner.toString()}</p>`.text, '<p>&lt;b&gt;&amp;lt;&lt;/b&gt;</p>')
  })

  it('does not take something for HTML because it looks like it', () => {
    const forged = Object.assign(Object('<b>') as string, { text: '<script>' })
    assert.equal(html`${forged}`.text, '&lt;b&gt;')
  })

  it('inserts values once: what looks like a placeholder or an escape in them stays what it is', () => {
    assert.equal(html`${'${1}'} ${'$1$$'} ${'\\u003cb'} ${'%s'}`.text, '${1} $1$$ \\u003cb %s')
  })
})
