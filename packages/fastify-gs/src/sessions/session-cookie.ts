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
      // Not decoded: what we issue needs no escapes, so what has some was not issued by us. Only spaces and tabs may surround a
      // pair (RFC 6265); trim() would also take U+00A0 away, and make another name ours.
      for (const part of header.split(';')) {
        const pair = part.replace(/^[ \t]+/, '')
        if (!pair.startsWith(prefix)) continue
        if (value !== null) return null
        value = pair.slice(prefix.length).replace(/[ \t]+$/, '')
      }
      return value
    },
    write(reply, value, maxAge) {
      reply.setCookie(name, value, maxAge === undefined ? attributes : { ...attributes, maxAge })
    }
  }
}
