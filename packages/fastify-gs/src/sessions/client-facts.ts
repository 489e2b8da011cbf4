import type { IncomingHttpHeaders } from 'node:http'
import Negotiator from 'negotiator'
import { languageTag } from '../texts/messages.ts'
import { createSessionCookie } from './session-cookie.ts'
import { readableUserAgent } from './user-agent.ts'

/** How numbers and dates are written in the language. */
export interface ClientFormats {
  /** Order of day, month and year. */
  readonly dateOrder: 'dmy' | 'mdy' | 'ymd'
  /** Decimal separator, like `.` */
  readonly decimal: string
  /** Separator of thousands, like `,`; empty: none. */
  readonly thousands: string
}

/** What a request tells of who made it. Nothing of it is proved, but that the account has chosen the language. */
export interface ClientFacts {
  /** What the browser calls itself, at most 512 characters; what cannot be seen stands there as its code. */
  readonly userAgent: string
  /** The page of another site that led the visitor here, at most 200 characters; null: none is known. */
  readonly referer: string | null
  /**
   * BCP 47 tag of the language to speak: what the account has chosen, whatever the browser says; else what the browser asks for most of what
   * the site speaks; else that of the option `language`.
   */
  readonly language: string
  /** BCP 47 tags that the browser asks for, the most wanted first; at most 10. */
  readonly languages: readonly string[]
  /** IANA name, like `Europe/Berlin`, if the page has told it; null: not known. */
  readonly timeZone: string | null
  readonly formats: ClientFormats
}

/** What there is to know of the site to understand a visitor. */
export interface ClientSite {
  readonly origin: string
  /** The languages that it speaks, the default one first. */
  readonly languages: readonly string[]
  /** Cookie that holds the time zone. */
  readonly timeZoneCookie: string
}

/** Longer headers are read no further; those of browsers have less than 100 characters. */
const longestHeader = 500
const mostLanguages = 10
/** Entries of the header that are looked at: each takes a while, and a header can have hundreds. */
const mostEntries = 2 * mostLanguages
const longestReferer = 200

/** The tags of an Accept-Language header that are ones, the most wanted first. */
function wantedLanguages(header: string): string[] {
  const entries = new Negotiator({ headers: { 'accept-language': header } }).languages().slice(0, mostEntries)
  const tags = entries.map((tag) => (tag === '*' ? null : languageTag(tag)))
  return [...new Set(tags.filter((tag) => tag !== null))].slice(0, mostLanguages)
}

/** Kept, because to make one takes longer than all else that a request does; the tags are a stranger's, so there is a limit. */
const knownFormats = new Map<string, ClientFormats>()
const mostFormats = 200

/** How numbers and dates are written in a language. */
export function formatsOf(tag: string): ClientFormats {
  const known = knownFormats.get(tag)
  if (known !== undefined) return known
  const letters = new Intl.DateTimeFormat(tag, { calendar: 'gregory', timeZone: 'UTC' })
    .formatToParts(0)
    .map(({ type }) => (type === 'day' ? 'd' : type === 'month' ? 'm' : type === 'year' ? 'y' : ''))
    .join('')
  const number = new Intl.NumberFormat(tag).formatToParts(1_234_567.8)
  const part = (wanted: string) => number.find(({ type }) => type === wanted)?.value ?? ''
  const formats: ClientFormats = {
    dateOrder: letters.startsWith('y') ? 'ymd' : letters.startsWith('m') ? 'mdy' : 'dmy',
    decimal: part('decimal'),
    thousands: part('group')
  }
  if (knownFormats.size >= mostFormats) knownFormats.clear()
  knownFormats.set(tag, formats)
  return formats
}

/** The name, in the usual case; null: there is no such time zone. */
export function timeZoneName(text: string): string | null {
  if (!/^[A-Za-z][\w+/-]{0,63}$/.test(text)) return null
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions()
    // One that goes by another name today, or did before, keeps that: engines do not agree which one is the right one.
    return timeZone.toLowerCase() === text.toLowerCase() ? timeZone : text
  } catch {
    return null
  }
}

/** The page of another site that led here. Without what may be secret in an address; null: none, or none that tells anything. */
export function refererFrom(headers: IncomingHttpHeaders, origin: string): string | null {
  const given = headers.referer
  if (given === undefined || given.length > 4096 || !URL.canParse(given)) return null
  const url = new URL(given)
  if ((url.protocol !== 'http:' && url.protocol !== 'https:') || url.origin === origin) return null
  url.username = ''
  url.password = ''
  url.hash = ''
  const forms = [url.href, url.origin + url.pathname, `${url.origin}/`]
  return forms.find((form) => form.length <= longestReferer) ?? null
}

const decoded = (text: string) => {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}

/** Cut between two entries. */
function acceptLanguage(headers: IncomingHttpHeaders): string {
  const header = headers['accept-language'] ?? ''
  return header.length <= longestHeader ? header : header.slice(0, header.lastIndexOf(',', longestHeader) + 1)
}

/** What the browser asks for most of what the site speaks; null: nothing. */
export function wantedLanguage({ languages }: ClientSite, headers: IncomingHttpHeaders): string | null {
  const header = acceptLanguage(headers)
  return header === '' ? null : (new Negotiator({ headers: { 'accept-language': header } }).languages([...languages])[0] ?? null)
}

const primaryOf = (tag: string) => tag.split('-', 1)[0]!

/**
 * What a request tells of who made it; each fact is read when it is asked for, and none is kept for another request.
 *
 * @param chosen the language that the account has chosen
 * @param referer as the ticket or the session holds it
 */
export function readClientFacts(
  site: ClientSite,
  headers: IncomingHttpHeaders,
  chosen: string | null,
  referer: string | null
): ClientFacts {
  let language: string | undefined
  let languages: readonly string[] | undefined
  let timeZone: string | null | undefined
  return {
    referer,
    get userAgent() {
      return readableUserAgent(headers['user-agent'] ?? '')
    },
    get language() {
      return (language ??= chosen ?? wantedLanguage(site, headers) ?? site.languages[0]!)
    },
    get languages() {
      return (languages ??= wantedLanguages(acceptLanguage(headers)))
    },
    get timeZone() {
      if (timeZone !== undefined) return timeZone
      const value = createSessionCookie(site.timeZoneCookie, false).read(headers.cookie)
      return (timeZone = value === null ? null : timeZoneName(decoded(value)))
    },
    get formats() {
      // A language alone is written differently here and there: the browser may know where.
      const primary = primaryOf(this.language)
      const closer = this.language === primary ? this.languages.find((tag) => primaryOf(tag) === primary) : undefined
      return formatsOf(closer ?? this.language)
    }
  }
}
