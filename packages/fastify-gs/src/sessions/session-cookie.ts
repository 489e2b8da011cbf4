import type { FastifyReply } from 'fastify'

/** The only place that knows the name and the attributes of a cookie. */
export interface SessionCookie {
  readonly name: string
  /**
   * The value in a `Cookie` header, raw. Null: absent, or present more than once — then nobody can say which one is ours
   * (another host of the domain may have planted one).
   */
  readonly read: (header: string | undefined) => string | null
  /** @param maxAge seconds; undefined: until the browser is closed */
  readonly write: (reply: FastifyReply, value: string, maxAge?: number) => void
  /** The same in an `onSend` hook, where the cookies of the handler are headers already. */
  readonly append: (reply: FastifyReply, value: string, maxAge?: number) => void
  /** Makes the browser forget it. */
  readonly remove: (reply: FastifyReply) => void
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

/** What an application has chosen for all of its cookies (`parseOptions` of @fastify/cookie) would make ours one that nobody keeps or believes. */
const noDefaults: object = {
  domain: undefined,
  encode: undefined,
  expires: undefined,
  maxAge: undefined,
  partitioned: false,
  priority: undefined,
  signed: false
}

/** @param secure whether the site is served over https: then the name has the prefix `__Host-`, which no other host can set */
export function createSessionCookie(baseName: string, secure: boolean): SessionCookie {
  const name = secure ? `__Host-${baseName}` : baseName
  const prefix = `${name}=`
  const attributes = { ...noDefaults, path: '/', httpOnly: true, sameSite: 'lax' as const, secure }
  const lasting = (maxAge: number | undefined) => (maxAge === undefined ? attributes : { ...attributes, maxAge })
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
      reply.setCookie(name, value, lasting(maxAge))
    },
    append(reply, value, maxAge) {
      reply.header('set-cookie', reply.server.serializeCookie(name, value, lasting(maxAge)))
    },
    remove(reply) {
      reply.setCookie(name, '', lasting(0))
    }
  }
}
