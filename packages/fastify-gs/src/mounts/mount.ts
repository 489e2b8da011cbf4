import { realpathSync, statSync } from 'node:fs'
import { isAbsolute, join, sep } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { GsOptionError } from '../errors.ts'
import type { Policy } from './policy.ts'

export interface GsMountOptions {
  /** Path under which the files appear, e.g. `/members`. Mounts may be nested; the longer prefix wins. */
  readonly prefix: string
  /** Directory, absolute. Each mount has its own: no root may lie inside another one's. */
  readonly root: string
  /** Who may see the files; see `Policy`. Default: 0, everybody. */
  readonly policy?: Policy
  /** File for the prefix itself and for directories. Default: `index.html`. */
  readonly index?: string
  /** `Cache-Control` of files that everybody may see. Default: `public, max-age=0, must-revalidate`. Files with a policy are never stored. */
  readonly cacheControl?: string
}

/** Roots of the mounts of one application, to refuse one inside another. */
const rootsOf = new WeakMap<object, Map<string, string>>()

/** Files that no mount may serve: the database. */
const privateFiles = new WeakMap<object, string[]>()

/** Keeps a file, and what lies beside it under the same name (`-wal`, `-shm`), out of all mounts of an application. */
export function keepOutOfMounts(gs: object, file: string): void {
  privateFiles.set(gs, [...(privateFiles.get(gs) ?? []), realpathSync(file)])
}

const optionNames = ['prefix', 'root', 'policy', 'index', 'cacheControl']

function resolveMount(app: FastifyInstance, options: GsMountOptions): { prefix: string; root: string } {
  // A misspelt policy, or one that a missing setting left undefined, must not open the mount.
  const unknown = Object.keys(options).find((name) => !optionNames.includes(name))
  if (unknown !== undefined)
    throw new GsOptionError(`fastify-gs: the option ${unknown} of a mount is not known; known are ${optionNames.join(', ')}.`)
  const { prefix, root } = options
  if (typeof prefix !== 'string' || !/^(\/(?!\.{1,2}(?:\/|$))[\w\-.~]+)+\/?$/.test(prefix)) {
    throw new GsOptionError(`fastify-gs: the option prefix of a mount must be a path like "/members"; it is ${JSON.stringify(prefix)}.`)
  }
  let real: string
  try {
    // The empty path and relative ones would be the directory in which somebody happened to start the server.
    if (!isAbsolute(root)) throw new Error('not absolute')
    real = realpathSync(root)
    if (!statSync(real).isDirectory()) throw new Error('not a directory')
  } catch {
    throw new GsOptionError(
      `fastify-gs: the root of the mount ${prefix} is ${JSON.stringify(root)}; it must be the absolute path of a directory that can be read.`
    )
  }
  const roots = rootsOf.get(app.gs) ?? new Map<string, string>()
  rootsOf.set(app.gs, roots)
  for (const [other, otherPrefix] of roots) {
    if (real === other || real.startsWith(other + sep) || other.startsWith(real + sep)) {
      throw new GsOptionError(
        `fastify-gs: the roots of the mounts ${otherPrefix} and ${prefix} lie inside one another (${other}, ${real}), so the looser one would show files of the stricter; give each its own directory.`
      )
    }
  }
  const exposed = privateFiles.get(app.gs)?.find((file) => file.startsWith(real + sep))
  if (exposed !== undefined) {
    throw new GsOptionError(
      `fastify-gs: the root of the mount ${prefix} contains the database ${exposed}, which would be served; move one of them.`
    )
  }
  roots.set(real, prefix)
  return { prefix: prefix.replace(/\/$/, ''), root: real }
}

async function mount(app: FastifyInstance, options: GsMountOptions): Promise<void> {
  const { prefix, root } = resolveMount(app, options)
  const policy = 'policy' in options ? options.policy : 0
  const open = policy === 0
  const index = options.index ?? 'index.html'
  const inside = (path: string) => {
    try {
      const real = realpathSync(join(root, path))
      return real === root || real.startsWith(root + sep)
    } catch (error) {
      // What does not exist is the file server's to say; what cannot be followed to its end stays closed.
      return ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')
    }
  }

  await app.register(async (scope) => {
    if (open) {
      // An answer that brings a visitor his cookie is not for others.
      scope.addHook('onSend', (_request, reply, _payload, done) => {
        if (reply.hasHeader('set-cookie')) reply.header('cache-control', 'private, no-cache')
        done()
      })
    } else {
      // Before the policy: refusals, redirects and answers about missing files are nobody else's business either.
      scope.addHook('onRequest', (_request, reply, done) => {
        reply.headers({ 'cache-control': 'private, no-store', 'cross-origin-resource-policy': 'same-origin' })
        done()
      })
    }
    scope.addHook('onRequest', app.gs.requirePolicy(policy, `the mount ${prefix}`))
    await scope.register(fastifyStatic, {
      root,
      // Without the slash, so that the prefix itself leads to the directory, and the policy decides about it.
      prefix,
      redirect: true,
      decorateReply: false,
      index,
      dotfiles: 'ignore',
      list: false,
      serveDotFiles: false,
      etag: open,
      lastModified: open,
      acceptRanges: open,
      cacheControl: false,
      setHeaders(reply) {
        reply.header('x-content-type-options', 'nosniff')
        if (open) reply.header('cache-control', options.cacheControl ?? 'public, max-age=0, must-revalidate')
      },
      allowedPath: (path) => inside(path) && inside(join(path, index))
    })
  })
}

/**
 * Serves a directory to those whom the policy allows. The policy is a hook in the very scope that serves the files, so no spelling of a
 * path reaches a file past it, and symbolic links do not lead out of the root.
 *
 * @throws {GsOptionError} while registering: prefix, root or policy is not usable
 */
// Not encapsulated: the option `prefix` is ours, Fastify would put its own in front of it once more.
export const gsMount = fp(mount, { fastify: '5.x', name: 'fastify-gs-mount', dependencies: ['fastify-gs'] })
