import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { gsError } from '../errors.ts'
import { visitorHeaders } from './visitor-headers.ts'

export interface ProxySettings {
  readonly prefix: string
  /** Origin and path in front of which the prefix is replaced. */
  readonly upstream: URL
  readonly cookieNames: readonly string[]
  /** Whether the server behind could take a path for one of another mount, which has a policy of its own. */
  readonly namesOther: (path: string) => boolean
}

/** Steps upwards in any spelling that the server behind might understand. */
const climbs = /(?:^|[/\\]|%2f|%5c)(?:\.|%2e){1,2}(?:$|[/\\;]|%2f|%5c)|\\|%5c|%2f|\0|%00/i

const isNamed = (pair: string, names: readonly string[]) => names.includes(pair.split('=', 1)[0]!.trim())

/** Without our cookies: whoever runs the server behind needs to know who is asking, not how to be him. */
function withoutCookies(header: string | undefined, names: readonly string[]): string | undefined {
  const rest = header
    ?.split(';')
    .filter((pair) => !isNamed(pair, names))
    .join(';')
    .trim()
  return rest === '' ? undefined : rest
}

/** With underscores too: CGI and what came after it (PHP, WSGI) see no difference. */
const ours = /^(?:x[-_](?:gs[-_]|(?:forwarded[-_](?:for|host|proto|port|prefix|server)|real[-_]ip)$)|forwarded$)/

/** What is between us and the server behind is not for the visitor (RFC 9110, 7.6.1). */
const hopByHop = ['connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'te', 'trailer', 'transfer-encoding', 'upgrade']

/** A redirect to an address of the server behind is one to an address of ours. */
function repliedLocation(location: string, upstream: URL, prefix: string): string {
  const base = upstream.origin + upstream.pathname.replace(/\/$/, '')
  const rest = location.slice(base.length)
  return location.startsWith(base) && /^(?:[/?#]|$)/.test(rest) ? prefix + (rest.startsWith('/') ? rest : `/${rest}`) : location
}

function repliedHeaders(headers: IncomingHttpHeaders, { cookieNames, upstream, prefix }: ProxySettings): IncomingHttpHeaders {
  const { 'set-cookie': cookies, ...passed } = headers
  if (passed.location !== undefined) passed.location = repliedLocation(passed.location, upstream, prefix)
  const dropped = new Set([...hopByHop, ...(headers.connection?.toLowerCase().split(',') ?? []).map((name) => name.trim())])
  const others = Object.fromEntries(Object.entries(passed).filter(([name]) => !dropped.has(name.toLowerCase())))
  const kept = (cookies === undefined ? [] : [cookies].flat()).filter((cookie) => !isNamed(cookie, cookieNames))
  return kept.length === 0 ? others : { ...others, 'set-cookie': kept }
}

/**
 * Passes everything below the prefix on to another server, which learns from `X-Gs-*` headers who is asking; the same headers of the
 * client are dropped.
 */
export async function registerProxy(app: FastifyInstance, settings: ProxySettings): Promise<void> {
  const { prefix, upstream, cookieNames, namesOther } = settings
  // Only who has such a mount pays for loading it.
  const { default: httpProxy } = await import('@fastify/http-proxy')
  await app.register(async (scope) => {
    // Bodies go through as they come, whatever parsers the application has.
    scope.removeAllContentTypeParsers()
    await scope.register(httpProxy, {
      upstream: upstream.origin,
      prefix: prefix === '' ? '/' : prefix,
      rewritePrefix: upstream.pathname.replace(/\/$/, '') || (prefix === '' ? '/' : ''),
      preHandler(request, _reply, done) {
        const path = request.raw.url!.split('?', 1)[0]!
        const foreign = climbs.test(path) || climbs.test(decodeURIComponent(path)) || namesOther(path)
        done(foreign ? gsError('GS_NOT_FOUND') : undefined)
      },
      // The prefix itself is the root there; an empty path would be taken for "the path of the request".
      handler: (_request, reply, path, options) => reply.from(path || '/', options),
      replyOptions: {
        // A server that says 503 has enough to do.
        retryDelay: () => null,
        onError(reply, { error }) {
          reply.log.warn({ err: error, upstream: upstream.origin }, 'the server behind a mount did not answer')
          reply.send(gsError('GS_UPSTREAM'))
        },
        rewriteRequestHeaders: (request, headers) => {
          const { cookie, ...others } = headers
          const rest = withoutCookies(cookie, cookieNames)
          const passed = Object.fromEntries(Object.entries(others).filter(([name]) => !ours.test(name)))
          return { ...passed, ...(rest !== undefined && { cookie: rest }), ...visitorHeaders(request as FastifyRequest) }
        },
        rewriteHeaders: (headers) => repliedHeaders(headers as IncomingHttpHeaders, settings) as never
      }
    })
  })
}
