import type { CookieSerializeOptions } from '@fastify/cookie'
import type { FastifyReply } from 'fastify'

/** The only place that knows the name and the attributes of the cookie. */
export interface SessionCookie {
  readonly name: string
  /**
   * The value in a `Cookie` header, raw. Null: absent, or present more than once — then nobody can say which one is ours
   * (another host of the domain may have planted one).
   */
  read(header: string | undefined): string | null
  /** @param maxAge seconds; undefined: until the browser is closed */
  write(reply: FastifyReply, value: string, maxAge?: number): void
}

const isBlank = (code: number) => code === 0x20 || code === 0x09

/**
 * Only spaces and tabs may surround a pair (RFC 6265); trim() would also take U+00A0 away, and make another name ours. No pattern: one
 * for the end of a text takes quadratic time for many blanks inside of it.
 */
function trimBlanks(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

/** @param secure whether the site is served over https: then the name has the prefix `__Host-`, which no other host can set */
export function createSessionCookie(baseName: string, secure: boolean): SessionCookie {
  const name = secure ? `__Host-${baseName}` : baseName
  const prefix = `${name}=`
  const attributes: CookieSerializeOptions = { path: '/', httpOnly: true, sameSite: 'lax', secure }
  return {
    name,
    read(header) {
      if (header === undefined || !header.includes(prefix)) return null
      let value: string | null = null
      // Not decoded: what we issue needs no escapes, so what has some was not issued by us.
      for (const part of header.split(';')) {
        const pair = trimBlanks(part)
        if (!pair.startsWith(prefix)) continue
        if (value !== null) return null
        value = pair.slice(prefix.length)
      }
      return value
    },
    write(reply, value, maxAge) {
      reply.setCookie(name, value, maxAge === undefined ? attributes : { ...attributes, maxAge })
    }
  }
}
