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

/** @param secure whether the site is served over https: then the name has the prefix `__Host-`, which no other host can set */
export function createJwtCookie(baseName: string, secure: boolean, sameSite: 'lax' | 'strict'): JwtCookie {
  const name = secure ? `__Host-${baseName}` : baseName
  const prefix = `${name}=`
  const attributes = `; Path=/; HttpOnly${secure ? '; Secure' : ''}; SameSite=${sameSite === 'lax' ? 'Lax' : 'Strict'}`

  // Without @fastify/cookie, which would look at each answer of the application. A token has no character that would have to be escaped.
  const write = (reply: FastifyReply, value: string, maxAge: number) => {
    const written = [reply.getHeader('set-cookie') ?? []].flat().map(String)
    reply.removeHeader('set-cookie')
    for (const cookie of written) if (!cookie.startsWith(prefix)) reply.header('set-cookie', cookie)
    reply.header('set-cookie', `${prefix}${value}; Max-Age=${maxAge}${attributes}`)
  }
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
    write,
    remove: (reply) => write(reply, '', 0)
  }
}
