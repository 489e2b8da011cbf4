/** A piece of a text; with `url`, it is to be a link to that address. The pieces together are the text. */
export interface TextPart {
  readonly text: string
  /** Absolute, http or https, in ASCII. */
  readonly url?: string
}

/** What every link in a post has as its `rel`: the page behind it learns nothing, and gains nothing in search engines. */
export const linkRel = 'noopener noreferrer nofollow ugc'

/** Ends before what cannot be seen or turns the direction of writing, before quotation marks and stops, and before `\`, which browsers read as `/`. */
const candidates = /(?<![\w@/])https?:\/\/[^\s\p{C}\p{Z}<>"\\`^{|}«»„“”‹›，、！？；：]+/giu

const pairs: Readonly<Record<string, string>> = {
  ')': '(',
  ']': '[',
  '）': '（',
  '］': '［',
  '」': '「',
  '』': '『',
  '】': '【',
  '》': '《'
}

const punctuation = new Set(".,;:!?'*_~…’‘。")

const countOf = (text: string, character: string) => text.split(character).length - 1

/** How much of it is the address: the end of a sentence is not, nor a bracket that was opened before it. */
function lengthOfAddress(candidate: string): number {
  const excess = new Map(
    Object.entries(pairs).map(([closing, opening]) => [closing, countOf(candidate, closing) - countOf(candidate, opening)])
  )
  let end = candidate.length
  for (; end > 0; end--) {
    const last = candidate[end - 1]!
    if (punctuation.has(last)) continue
    const tooMany = excess.get(last) ?? 0
    if (tooMany <= 0) break
    excess.set(last, tooMany - 1)
  }
  return end
}

const separateScripts = ['Latin', 'Greek', 'Cyrillic', 'Armenian', 'Cherokee'].map((name) => new RegExp(`\\p{Script=${name}}`, 'u'))

/** Letters of these scripts look like one another, and no honest name has them side by side. */
const mixesScripts = (label: string) => separateScripts.filter((script) => script.test(label)).length > 1

/**
 * Whether the host that is read is the one that is asked: nothing in it that browsers turn into something else (percent signs, wide
 * letters, numbers for an address), but letters of other languages as they are.
 */
function isPlainHost(typed: string, actual: string): boolean {
  const labels = typed.toLowerCase().normalize('NFC').split('.')
  const actualLabels = actual.split('.')
  return (
    labels.length === actualLabels.length &&
    labels.every((label, index) => {
      const inAscii = actualLabels[index]!
      if (/^\p{ASCII}*$/u.test(label)) return label === inAscii
      return inAscii.startsWith('xn--') && /^[\p{L}\p{M}\p{N}-]+$/u.test(label) && !mixesScripts(label)
    })
  )
}

/** The address that the text is, or null when it is none, or not the one that it seems to be. */
function addressOf(text: string): string | null {
  const host = /^https?:\/\/(\[[\da-f:.]+\]|[^/?#:@[\]]+)(?::\d{1,5})?(?:[/?#]|$)/i.exec(text)?.[1]
  if (host === undefined || !/[\p{L}\p{N}]/u.test(host)) return null
  // Browsers of two years ago have no URL.parse.
  if (!URL.canParse(text)) return null
  const url = new URL(text)
  if (url.username !== '' || url.password !== '') return null
  return isPlainHost(host, url.hostname) ? url.href : null
}

/**
 * Finds the web addresses in a text. Only http and https, and only those that lead where they seem to lead: an address with a name before an
 * `@`, or with a host that mixes look-alike alphabets, stays text. Letters of other languages are shown as typed; `url` has the host in
 * ASCII, which a page can show beside it. Show a link with `dir="ltr"`, so that what stands around it cannot turn it round.
 */
export function findLinks(text: string): TextPart[] {
  const parts: TextPart[] = []
  let done = 0
  for (const { 0: candidate, index } of text.matchAll(candidates)) {
    const address = candidate.slice(0, lengthOfAddress(candidate))
    const url = addressOf(address)
    if (url === null) continue
    if (index > done) parts.push({ text: text.slice(done, index) })
    parts.push({ text: address, url })
    done = index + address.length
  }
  if (done < text.length) parts.push({ text: text.slice(done) })
  return parts
}
