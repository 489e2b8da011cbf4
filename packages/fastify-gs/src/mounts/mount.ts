import { realpathSync, statSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { validateHeaderName, validateHeaderValue } from 'node:http'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify'
import fp from 'fastify-plugin'
import { GsOptionError } from '../errors.ts'
import { interpretableSuffixes, textKind } from './escapes.ts'
import type { MountServices } from './mount-services.ts'
import { mountServicesOf } from './mount-services.ts'
import type { MountPlace } from './mounted-files.ts'
import { governScope } from './guard-routes.ts'
import { defaultPolicy, isOpen, type ParsedPolicy, type Policy } from './policy.ts'
import { registerProxy } from './proxy.ts'
import { isHidden, type Guard } from './require.ts'
import { sendInterpreted, type InterpretedFile } from './send-interpreted.ts'

/** What an application does with requests below a mount. */
export type MountHandler = (request: FastifyRequest, reply: FastifyReply) => unknown

export interface GsMountOptions {
  /** Path under which it appears, e.g. `/members`, or `/`. Mounts may be nested; the longer prefix wins. */
  readonly prefix: string
  /** Files: their directory, absolute. One inside another mount's is served by the inner mount only. */
  readonly root?: string
  /** The application's own handler, for all methods. With `root` it gets what is not a file. */
  readonly handler?: MountHandler
  /** Passes everything on to another server: `http://127.0.0.1:8080`, with a path if wanted. It learns from `X-Gs-*` headers who is asking. */
  readonly proxy?: string
  /** Sends everybody on to the same path below another address: `https://example.com/new`. */
  readonly redirect?: string
  /** Who may use it; see `Policy`. Default: what the option `defaultLevel` of fastify-gs says, else everybody. */
  readonly policy?: Policy
  /** The policy as a mask of bits, for those who prefer the original's name. */
  readonly mask?: number
  /** File for the prefix itself and for directories; `index.html` is tried too. Default: `index.html`. */
  readonly default?: string
  /** Suffixes of the files in which symbols like `$lwsgs_user` are replaced, e.g. `['.js']`. Default: none. */
  readonly interpret?: readonly string[]
  /** `Cache-Control` of files that everybody may see. Default: `public, max-age=0, must-revalidate`. Files with a policy are never stored. */
  readonly cacheControl?: string
  /** `Content-Type` by suffix (`{ '.wasm': 'application/wasm' }`), before the built-in list; `*`: of all others. */
  readonly mimeTypes?: Readonly<Record<string, string>>
  /** Added to every answer. */
  readonly headers?: Readonly<Record<string, string>>
}

const optionNames: Record<keyof GsMountOptions, true> = {
  prefix: true,
  root: true,
  handler: true,
  proxy: true,
  redirect: true,
  policy: true,
  mask: true,
  default: true,
  interpret: true,
  cacheControl: true,
  mimeTypes: true,
  headers: true
}

const refuse = (message: string): never => {
  throw new GsOptionError(`fastify-gs: ${message}`)
}

function resolvePrefix(prefix: unknown): string {
  if (prefix === '/') return ''
  if (typeof prefix !== 'string' || !/^(\/(?!\.{1,2}(?:\/|$))[\w\-.~]+)+\/?$/.test(prefix))
    return refuse(`the option prefix of a mount must be a path like "/members", or "/"; it is ${JSON.stringify(prefix)}.`)
  return prefix.replace(/\/$/, '')
}

function resolveRoot(prefix: string, root: unknown): string {
  try {
    // The empty path and relative ones would be the directory in which somebody happened to start the server.
    if (typeof root !== 'string' || !isAbsolute(root)) throw new Error('not absolute')
    const real = realpathSync.native(root)
    if (!statSync(real).isDirectory()) throw new Error('not a directory')
    return real
  } catch {
    return refuse(
      `the root of the mount ${prefix} is ${JSON.stringify(root)}; it must be the absolute path of a directory that can be read.`
    )
  }
}

function resolveAddress(prefix: string, name: 'proxy' | 'redirect', value: unknown): URL {
  const url = typeof value === 'string' && /^https?:\/\/[^\\\s]+$/i.test(value) ? URL.parse(value) : null
  if (url === null || url.search !== '' || url.hash !== '' || url.username !== '') {
    return refuse(
      `the option ${name} of the mount ${prefix} must be an address like "http://127.0.0.1:8080/path", without query; it is ${JSON.stringify(value)}.`
    )
  }
  return url
}

function resolveInterpret(prefix: string, value: unknown): readonly string[] {
  if (value === undefined) return []
  if (!Array.isArray(value) || value.some((suffix) => typeof suffix !== 'string' || textKind(extensionOf(suffix)) === null)) {
    return refuse(
      `the option interpret of the mount ${prefix} must be a list of suffixes in which values can be inserted safely: ${interpretableSuffixes.join(', ')}; it is ${JSON.stringify(value)}.`
    )
  }
  return (value as string[]).map((suffix) => suffix.toLowerCase())
}

/** Headers that say what an answer is or how it ends: a fixed value would be wrong for all answers but one, and some break the connection. */
const headersOfAnswers: readonly string[] = [
  'age',
  'accept-ranges',
  'cache-control',
  'connection',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'date',
  'etag',
  'keep-alive',
  'last-modified',
  'location',
  'trailer',
  'transfer-encoding',
  'upgrade'
]
const optionsInstead: Readonly<Record<string, string>> = { 'content-type': 'use mimeTypes', 'cache-control': 'use cacheControl' }

const extensionOf = (name: string) => name.slice(Math.max(0, name.lastIndexOf('.'))).toLowerCase()

function resolveTexts(prefix: string, name: 'headers' | 'mimeTypes', value: unknown): Readonly<Record<string, string>> {
  if (value === undefined) return {}
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refuse(`the option ${name} of the mount ${prefix} must be an object with texts.`)
  for (const [key, text] of Object.entries(value)) {
    if (name === 'headers' && headersOfAnswers.includes(key.toLowerCase())) {
      const cure = optionsInstead[key.toLowerCase()] ?? 'leave it out'
      refuse(`the option headers of the mount ${prefix} has ${key}, which belongs to each answer by itself; ${cure}.`)
    }
    try {
      if (typeof text !== 'string') throw new TypeError('not a text')
      if (name === 'headers') validateHeaderName(key)
      else if (key !== '*' && !/^\.[^/\\]+$/.test(key)) throw new TypeError('not a suffix')
      validateHeaderValue(key, text)
    } catch {
      refuse(`the option ${name} of the mount ${prefix} has ${JSON.stringify(key)}: ${JSON.stringify(text)}, which cannot be sent.`)
    }
  }
  return value as Record<string, string>
}

function resolveMimeTypes(prefix: string, value: unknown, interpret: readonly string[]): ReadonlyMap<string, string> {
  const types = Object.entries(resolveTexts(prefix, 'mimeTypes', value)).map(([key, type]) => [key.toLowerCase(), type] as const)
  // Values go into plain text as they are, which is not safe in anything else.
  const bare = types.find(
    ([key, type]) => extensionOf(key) === '.txt' && interpret.some((suffix) => suffix.endsWith('.txt')) && !/^(text\/plain\b|$)/i.test(type)
  )
  if (bare !== undefined)
    refuse(`the mount ${prefix} rewrites ${bare[0]} files and sends them as ${bare[1]}; name another suffix, or leave them text/plain.`)
  return new Map(types)
}

/** Answers that depend on who asks. */
const forOneVisitor = { 'cache-control': 'private, no-store', 'cross-origin-resource-policy': 'same-origin' }

interface ResolvedMount extends MountPlace {
  readonly name: string
  readonly parsed: ParsedPolicy
  readonly handler: MountHandler | null
  readonly proxy: URL | null
  readonly redirect: URL | null
  readonly indexes: readonly string[]
  readonly interpret: readonly string[]
  readonly cacheControl: string
  readonly mimeTypes: ReadonlyMap<string, string>
  readonly headers: Readonly<Record<string, string>>
}

function resolveMount(app: FastifyInstance, options: GsMountOptions, guard: Guard): ResolvedMount {
  // A misspelt policy, or one that a missing setting left undefined, must not open the mount.
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(optionNames, name))
  if (unknown !== undefined) refuse(`the option ${unknown} of a mount is not known; known are ${Object.keys(optionNames).join(', ')}.`)
  const prefix = resolvePrefix(options.prefix)
  const name = prefix === '' ? '/' : prefix
  const origins = (['root', 'handler', 'proxy', 'redirect'] as const).filter((origin) => origin in options)
  if (origins.length !== 1 && origins.join() !== 'root,handler') {
    refuse(
      `the mount ${name} needs exactly one of root, handler, proxy and redirect, or root and handler together; it has ${origins.join(' and ') || 'none'}.`
    )
  }
  if ('policy' in options && 'mask' in options) refuse(`the mount ${name} has both policy and mask; leave one out.`)
  if ('mask' in options && typeof options.mask !== 'number')
    refuse(`the policy of the mount ${name} must be a number when it is given as mask.`)
  const stated = 'policy' in options ? options.policy : options.mask
  const isStated = 'policy' in options || 'mask' in options
  const parsed = isStated ? guard.parse(stated, `the mount ${name}`) : defaultPolicy(guard.words)
  const open = isOpen(parsed)
  if ('handler' in options && typeof options.handler !== 'function') refuse(`the option handler of the mount ${name} must be a function.`)
  const { default: index = 'index.html', cacheControl = 'public, max-age=0, must-revalidate' } = options
  if (typeof index !== 'string' || !/^[^./\\\0][^/\\\0]*$/.test(index))
    refuse(`the option default of the mount ${name} must be the name of a file; it is ${JSON.stringify(index)}.`)
  try {
    validateHeaderValue('cache-control', cacheControl)
  } catch {
    refuse(`the option cacheControl of the mount ${name} is ${JSON.stringify(cacheControl)}, which cannot be sent.`)
  }
  const interpret = resolveInterpret(name, options.interpret)
  const proxy = 'proxy' in options ? resolveAddress(name, 'proxy', options.proxy) : null
  const headers = resolveTexts(name, 'headers', options.headers)
  const alone = 'root' in options && !('handler' in options)
  return {
    name,
    prefix: app.prefix.replace(/\/$/, '') + prefix,
    root: 'root' in options ? resolveRoot(name, options.root) : null,
    upstream: proxy === null ? null : { origin: proxy.origin, path: proxy.pathname.replace(/\/$/, '') },
    parsed,
    policy: JSON.stringify(parsed),
    open,
    headersOfMissing: alone ? { ...headers, ...(!open && forOneVisitor) } : null,
    handler: options.handler ?? null,
    proxy,
    redirect: 'redirect' in options ? resolveAddress(name, 'redirect', options.redirect) : null,
    indexes: [...new Set([index, 'index.html'])],
    interpret,
    cacheControl,
    mimeTypes: resolveMimeTypes(name, options.mimeTypes, interpret),
    headers
  }
}

const allMethods: HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

const routesOf = (prefix: string) => (prefix === '' ? ['/*'] : [prefix, `${prefix}/*`])

function contentTypeOf(mount: ResolvedMount, name: string): string | undefined {
  for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
    const type = mount.mimeTypes.get(name.slice(dot).toLowerCase())
    if (type !== undefined) return type
  }
  return undefined
}

/** The file in whose text symbols are replaced; null: it is served as it is. */
function interpretedFile(mount: ResolvedMount, file: { name: string; path: string; length: number }): InterpretedFile | null {
  const name = file.name.toLowerCase()
  if (!mount.interpret.some((suffix) => name.endsWith(suffix))) return null
  const kind = textKind(extensionOf(name))!
  return { path: file.path, length: file.length, kind, contentType: contentTypeOf(mount, name) || kind.contentType }
}

/** Answers what the file server has nothing for, or what is not its business. */
async function serveFiles(scope: FastifyInstance, prefix: string, mount: ResolvedMount, services: MountServices): Promise<void> {
  const { files, symbols, origin } = services
  const { handler, indexes, open } = mount

  await scope.register(async (server) => {
    if (handler !== null || mount.interpret.length > 0) {
      server.addHook('preHandler', async (request, reply) => {
        const path = (request.params as { '*'?: string })['*']
        // The prefix without its slash leads to the directory.
        if (path === undefined) return undefined
        const found = files.find(mount, path, indexes)
        if (found.kind === 'nothing' && handler !== null) {
          const answer: unknown = await handler(request, reply)
          // As Fastify itself does it after an async handler.
          const ended = answer !== undefined || reply.statusCode === 204
          return ended && !reply.sent ? reply.send(answer) : reply
        }
        const interpreted = found.kind === 'file' ? interpretedFile(mount, found) : null
        return interpreted === null ? undefined : sendInterpreted(request, reply, interpreted, symbols, origin)
      })
    }
    await server.register(fastifyStatic, {
      root: mount.root!,
      // Without the slash, so that the prefix itself leads to the directory, and the policy decides about it.
      prefix: prefix === '' ? '/' : prefix,
      redirect: true,
      decorateReply: false,
      index: [...indexes],
      dotfiles: 'ignore',
      list: false,
      serveDotFiles: false,
      etag: open,
      lastModified: open,
      acceptRanges: open,
      cacheControl: false,
      setHeaders(reply, path) {
        reply.header('x-content-type-options', 'nosniff')
        if (open) reply.header('cache-control', mount.cacheControl)
        const type = contentTypeOf(mount, path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1)) ?? fallbackType(reply)
        if (type === '') reply.removeHeader('content-type')
        else if (type !== undefined) reply.header('content-type', type)
      },
      allowedPath: (path) => files.allows(mount, path)
    })
  })
  if (handler !== null) {
    const method = allMethods.filter((name) => name !== 'GET' && name !== 'HEAD')
    for (const url of routesOf(prefix)) scope.route({ method, url, handler })
  }

  function fallbackType(reply: { getHeader?(name: string): unknown }): string | undefined {
    const known = reply.getHeader?.('content-type')
    return known === undefined || known === 'application/octet-stream' ? mount.mimeTypes.get('*') : undefined
  }
}

function redirectTo(target: URL, prefix: string): MountHandler {
  const base = target.origin + target.pathname.replace(/\/$/, '')
  // By its segments: encoded characters and repeated slashes make it longer.
  const ownPart = new RegExp(`^(?:/+[^/?;]*){${prefix.split('/').length - 1}}`)
  return (request, reply) => {
    // A path as Node lets it through has no control characters, and behind a host and a slash it can name no other host.
    const rest = request.url.replace(ownPart, '')
    const location = base + (rest.startsWith('/') || rest === '' ? rest : `/${rest}`)
    return reply.redirect(location, request.method === 'GET' || request.method === 'HEAD' ? 302 : 307)
  }
}

/** Who is not logged in would be sent there, refused, and sent there again. */
function refuseClosedLoginPage(app: FastifyInstance, mount: ResolvedMount, { files, loginPage }: MountServices): void {
  if (files.at(loginPage) !== mount || app.hasRoute({ method: 'GET', url: loginPage })) return
  refuse(
    `the login page ${loginPage} lies in the mount ${mount.name}, which only those see who are logged in; set the option loginPage, or add an open mount for it.`
  )
}

async function mount(app: FastifyInstance, options: GsMountOptions): Promise<void> {
  const services = mountServicesOf(app.gs)
  const { files, guard } = services
  const mount = resolveMount(app, options, guard)
  const { name, open, headers } = mount
  const policy = guard.enforce(mount.parsed, {
    // Refusals, redirects and answers about missing files are nobody else's business either.
    headers: open ? headers : { ...headers, ...forOneVisitor },
    headersOfMissing: ({ method }) =>
      method === 'GET' || method === 'HEAD' ? (files.around(mount)?.headersOfMissing ?? undefined) : undefined
  })
  files.add(mount)
  const prefix = name === '/' ? '' : name
  if (!open) app.addHook('onReady', async () => refuseClosedLoginPage(app, mount, services))

  await app.register(async (scope) => {
    governScope(scope, mount.parsed)
    scope.addHook('onRequest', policy.onRequest)
    if (policy.preValidation !== null) scope.addHook('preValidation', policy.preValidation)
    if (open) {
      // An answer that brings a visitor his cookie is not for others.
      scope.addHook('onSend', (_request, reply, _payload, done) => {
        const stored = String(reply.getHeader('cache-control') ?? '')
        if (reply.hasHeader('set-cookie') && !stored.includes('no-store')) reply.header('cache-control', 'private, no-cache')
        done()
      })
    } else {
      // Again, whatever a handler or another server says.
      scope.addHook('onSend', (request, reply, _payload, done) => {
        if (!isHidden(request)) reply.headers(forOneVisitor)
        done()
      })
    }

    if (mount.root !== null) return serveFiles(scope, prefix, mount, services)
    if (mount.proxy !== null) {
      const namesOther = (path: string) => services.files.namesOther(mount, path)
      return registerProxy(scope, { prefix, upstream: mount.proxy, cookieNames: services.cookieNames, namesOther })
    }
    const handler = mount.redirect === null ? mount.handler! : redirectTo(mount.redirect, mount.prefix)
    for (const url of routesOf(prefix)) scope.route({ method: allMethods, url, handler })
    return undefined
  })
}

/**
 * Serves a directory, a handler of the application, another server or a redirect to those whom the policy allows. The policy is a hook in
 * the very scope that answers, and which mount may show a file is decided on the file itself with all links followed, so no spelling of a
 * path leads past it.
 *
 * @throws {GsOptionError} while registering: an option is not usable, or files would be served past the policy of another mount
 */
// Not encapsulated: the option `prefix` is ours, Fastify would put its own in front of it once more.
export const gsMount = fp(mount, { fastify: '5.x', name: 'fastify-gs-mount', dependencies: ['fastify-gs'] })
