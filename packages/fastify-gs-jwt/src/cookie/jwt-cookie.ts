import type { FastifyReply } from 'fastify'

/** The only place that knows the name and the attributes of the cookie. */
export interface JwtCookie {
  /** With its prefix. */
  readonly name: string
  /** Bytes that the value may have: browsers drop a cookie whose name and value have more than 4096 without a word (RFC 6265bis, 5.6). */
  readonly maxBytes: number
  /**
   * The value in a `Cookie` header, raw. Null: absent. `twice`: nobody can say which one is ours, because another host of the domain may
   * have planted one.
   */
  readonly read: (header: string | undefined) => { readonly value: string } | 'twice' | null
  /** @param maxAge seconds */
  readonly write: (reply: FastifyReply, value: string, maxAge: number) => void
  /** Makes the browser forget it. */
  readonly remove: (reply: FastifyReply) => void
}

const blank = /^[ \t]+/

/** What an application has chosen for all of its cookies (`parseOptions` of @fastify/cookie) would make ours one that nobody keeps or believes. */
const noDefaults: object = {
  domain: undefined,
  encode: undefined,
  expires: undefined,
  partitioned: false,
  priority: undefined,
  signed: false
}

/** @param secure whether the site is served over https: then the name has the prefix `__Host-`, which no other host can set */
export function createJwtCookie(baseName: string, secure: boolean, sameSite: 'lax' | 'strict'): JwtCookie {
  const name = secure ? `__Host-${baseName}` : baseName
  const prefix = `${name}=`
  const attributes = { ...noDefaults, path: '/', httpOnly: true, secure, sameSite }
  return {
    name,
    maxBytes: 4096 - name.length,
    read(header) {
      if (header === undefined || !header.includes(prefix)) return null
      let found: { readonly value: string } | null = null
      for (const part of header.split(';')) {
        const pair = part.replace(blank, '')
        if (!pair.startsWith(prefix)) continue
        if (found !== null) return 'twice'
        found = { value: pair.slice(prefix.length) }
      }
      return found
    },
    write: (reply, value, maxAge) => void reply.setCookie(name, value, { ...attributes, maxAge }),
    remove: (reply) => void reply.setCookie(name, '', { ...attributes, maxAge: 0 })
  }
}
