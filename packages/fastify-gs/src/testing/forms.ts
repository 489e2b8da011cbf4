import assert from 'node:assert/strict'
import type { Browser } from './build.ts'

/** A form of a page, as a browser without scripts sees it. */
export interface PageForm {
  readonly action: string
  /** Hidden fields and what is filled in, the others empty, the button pressed. */
  readonly fields: Record<string, string>
  readonly button: string
  readonly html: string
}

const decode = (text: string) =>
  text.replaceAll('&#39;', "'").replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')

export function formsOf(body: string): PageForm[] {
  return [...body.matchAll(/<form method="post" action="([^"]+)">([\s\S]*?)<\/form>/g)].map(([html, action, content]) => {
    const fields: Record<string, string> = {}
    for (const [input] of content!.matchAll(/<(?:input|select) [^>]*>/g)) {
      if (/type="checkbox"/.test(input) && !/ checked/.test(input)) continue
      fields[/name="([^"]+)"/.exec(input)![1]!] = decode(/ value="([^"]*)"/.exec(input)?.[1] ?? '')
    }
    const [, attributes, button] = /<button type="submit"([^>]*)>([^<]+)<\/button>/.exec(content!)!
    const name = /name="([^"]+)"/.exec(attributes!)?.[1]
    if (name !== undefined) fields[name] = '1'
    return { action: decode(action!), fields, button: decode(button!), html }
  })
}

/** The form of a page with this button. */
export function formWith(body: string, button: string): PageForm {
  const form = formsOf(body).find((candidate) => candidate.button === button)
  assert.ok(form, `${button} in ${body}`)
  return form
}

/** Opens a page, fills the form with this button and presses it. */
export async function submit(browser: Browser, url: string, button: string, typed: Record<string, string> = {}) {
  const page = await browser.visit(url)
  assert.equal(page.statusCode, 200, page.body)
  const form = formWith(page.body, button)
  for (const name of Object.keys(typed)) assert.ok(form.html.includes(` name="${name}"`), `${name} of ${button}`)
  return browser.form(form.action, { ...form.fields, ...typed })
}

/** What the page tells about what was done. */
export const saysAt = async (browser: Browser, url: string | undefined): Promise<string | undefined> =>
  /role="status">([^<]+)</.exec((await browser.visit(url!)).body)?.[1]
