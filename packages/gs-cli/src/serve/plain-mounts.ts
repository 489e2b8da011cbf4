import { realpathSync } from 'node:fs'
import { join, sep } from 'node:path'
import fastifyHttpProxy from '@fastify/http-proxy'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance, FastifyRequest, HTTPMethods } from 'fastify'
import type { LwswsMount } from 'fastify-gs/lwsws'

/*
 * The mounts of a vhost without sessions. Nothing there asks who the visitor is, so nothing of fastify-gs is in the way of a request.
 */

const methods: HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

export async function registerPlainMount(scope: FastifyInstance, mount: LwswsMount): Promise<void> {
  const { origin } = mount
  const prefix = mount.prefix === '/' ? '' : mount.prefix
  switch (origin.kind) {
    case 'files':
      return registerFiles(scope, prefix, origin.directory, mount)
    case 'proxy':
      return registerProxy(scope, prefix, new URL(origin.url))
    case 'redirect':
      for (const url of prefix === '' ? ['/*'] : [prefix, `${prefix}/*`]) {
        scope.route({
          method: methods,
          url,
          handler(request, reply) {
            const rest = request.url.slice(prefix.length)
            const slash = rest === '' || rest.startsWith('/') ? '' : '/'
            const isPage = request.method === 'GET' || request.method === 'HEAD'
            return reply.redirect(origin.url.replace(/\/$/, '') + slash + rest, isPage ? 302 : 307)
          }
        })
      }
      return
    case 'callback':
      // A protocol of an application that is not here: everything below is missing, and an outer mount does not show through.
      for (const url of prefix === '' ? ['/*'] : [prefix, `${prefix}/*`])
        scope.route({ method: methods, url, handler: (_request, reply) => reply.callNotFound() })
  }
}

/** Steps upwards in any spelling that the server behind might understand: they would lead out of the path it was given. */
const climbs = /(?:^|[/\\]|%2f|%5c)(?:\.|%2e){1,2}(?:$|[/\\;]|%2f|%5c)/i

async function registerProxy(app: FastifyInstance, prefix: string, upstream: URL): Promise<void> {
  await app.register(async (scope) => {
    // Bodies go through as they come.
    scope.removeAllContentTypeParsers()
    await scope.register(fastifyHttpProxy, {
      upstream: upstream.origin,
      prefix: prefix === '' ? '/' : prefix,
      rewritePrefix: upstream.pathname.replace(/\/$/, '') || (prefix === '' ? '/' : ''),
      preHandler(request, reply, done) {
        if (climbs.test(request.raw.url!.split('?', 1)[0]!)) reply.callNotFound()
        else done()
      },
      replyOptions: {
        onError(reply, { error }) {
          reply.log.warn({ err: error, upstream: upstream.origin }, 'the server behind a mount did not answer')
          reply.send(Object.assign(new Error('The server behind this address does not answer; try again later.'), { statusCode: 502 }))
        },
        rewriteRequestHeaders: (request, headers) => {
          const { ip, host, protocol } = request as FastifyRequest
          return { ...headers, 'x-forwarded-for': ip, 'x-forwarded-host': host, 'x-forwarded-proto': protocol }
        }
      }
    })
  })
}

async function registerFiles(scope: FastifyInstance, prefix: string, directory: string, mount: LwswsMount): Promise<void> {
  const root = realpathSync.native(directory)
  const below = root === sep ? sep : root + sep
  await scope.register(fastifyStatic, {
    root,
    prefix: prefix === '' ? '/' : prefix,
    redirect: true,
    decorateReply: false,
    index: [...new Set([mount.default ?? 'index.html', 'index.html'])],
    dotfiles: 'ignore',
    serveDotFiles: false,
    list: false,
    cacheControl: false,
    setHeaders(reply, path) {
      reply.header('cache-control', mount.cacheControl)
      const type = contentTypeOf(mount.mimeTypes, path, reply.getHeader('content-type'))
      if (type === '') reply.removeHeader('content-type')
      else if (type !== undefined) reply.header('content-type', type)
    },
    // Links that lead out of the directory are not followed.
    allowedPath(path) {
      try {
        const real = realpathSync.native(join(root, path))
        return real === root || real.startsWith(below)
      } catch {
        return true
      }
    }
  })
}

function contentTypeOf(types: LwswsMount['mimeTypes'], path: string, known: unknown): string | undefined {
  const name = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1).toLowerCase()
  for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
    const suffix = name.slice(dot)
    if (Object.hasOwn(types, suffix)) return types[suffix]
  }
  return known === undefined || known === 'application/octet-stream' ? types['*'] : undefined
}
