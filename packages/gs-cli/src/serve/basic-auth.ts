import { createHash, timingSafeEqual } from 'node:crypto'
import { realpathSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, sep } from 'node:path'
import fastifyBasicAuth from '@fastify/basic-auth'
import type { FastifyError, FastifyInstance, onRequestHookHandler } from 'fastify'
import type { LwswsMount } from 'fastify-gs/lwsws'
import { answerError } from './error-pages.ts'

const digest = (text: string) => createHash('sha256').update(text.normalize('NFC')).digest()

/** Whether a line `user:password` of the file is this one; all lines are compared, so that time tells nothing. */
function isListed(file: string, username: string, password: string): boolean {
  const given = digest(`${username}:${password}`)
  let listed = false
  for (const line of file.split(/\r?\n/)) {
    if (!line.includes(':') || line.startsWith('#')) continue
    if (timingSafeEqual(digest(line), given)) listed = true
  }
  return listed
}

/** The question for a user name and password of the file. The file is read each time: changes count at once. */
async function createBasicAuth(scope: FastifyInstance, file: string): Promise<onRequestHookHandler> {
  await scope.register(fastifyBasicAuth, {
    authenticate: { realm: 'lwsws' },
    validate: async (username, password, request) => {
      // A user name with a colon could be another one's name and the begin of his password.
      if (!username.includes(':') && isListed(await readFile(file, 'utf8'), username, password)) return
      request.log.info({ file, ip: request.ip }, 'basic-auth refused')
      throw Object.assign(new Error('User name and password are needed here.'), { statusCode: 401 })
    }
  })
  const { basicAuth } = scope
  // Answered here: other scopes make other answers of errors that they do not know, and without 401 no browser asks.
  return (request, reply, done) =>
    basicAuth.call(scope, request, reply, (error?: Error) =>
      error === undefined ? done() : answerError(error as FastifyError, request, reply)
    )
}

/** Asks for a user name and password of the file before anything else in this scope. */
export async function requireBasicAuth(scope: FastifyInstance, file: string): Promise<void> {
  scope.addHook('onRequest', await createBasicAuth(scope, file))
}

/**
 * The forms and calls of the accounts lie below a mount, but are none of its files: where the mount that would answer there asks for a
 * password, so do they.
 *
 * @param prefix of fastify-gs, which is registered afterwards
 */
export async function guardLogins(app: FastifyInstance, prefix: string, mounts: readonly LwswsMount[]): Promise<void> {
  const around = mountOf(prefix, mounts)
  const file = around?.basicAuthFile ?? null
  if (around === undefined || file === null) return
  await app.register(async (scope) => {
    const ask = await createBasicAuth(scope, file)
    app.addHook('onRequest', function (request, reply, done) {
      const route = request.routeOptions.url
      // Mounts ask for themselves, and one inside may ask for another password or none.
      if (route !== undefined && isAt(route, prefix) && mountOf(route, mounts) === around) ask.call(this, request, reply, done)
      else done()
    })
  })
}

const isAt = (path: string, prefix: string) => prefix === '/' || path === prefix || path.startsWith(`${prefix}/`)

/** The longest prefix wins. */
const mountOf = (path: string, mounts: readonly LwswsMount[]) =>
  mounts.filter(({ prefix }) => isAt(path, prefix)).toSorted((a, b) => b.prefix.length - a.prefix.length)[0]

const below = (path: string, root: string) => path === root || path.startsWith(root + sep)

/**
 * Keeps the directories of mounts with a password out of a mount around them, whatever the spelling of the path and however it is linked:
 * that the longer prefix wins protects an address, not a file.
 *
 * @param inner directories, all links followed
 */
export function keepOut(scope: FastifyInstance, directory: string, indexes: readonly string[], inner: readonly string[]): void {
  scope.addHook('preHandler', (request, reply, done) => {
    const path = (request.params as { '*'?: string })['*']
    if (path === undefined) return done()
    const file = join(directory, path)
    const reached = [file, ...indexes.map((index) => join(file, index))].map(realPath)
    if (reached.some((real) => real !== null && inner.some((root) => below(real, root)))) reply.callNotFound()
    else done()
  })
}

function realPath(path: string): string | null {
  try {
    return realpathSync.native(path)
  } catch {
    return null
  }
}

/** The directories below this one which only the mount with the password may show. */
export function protectedBelow(mount: LwswsMount, mounts: readonly LwswsMount[]): readonly string[] {
  const directory = directoryOf(mount)
  if (directory === null) return []
  const inner = mounts.filter((other) => other !== mount && other.basicAuthFile !== null).map(directoryOf)
  return inner.filter((root) => root !== null).filter((root) => root !== directory && below(root, directory))
}

const directoryOf = ({ origin }: LwswsMount) => (origin.kind === 'files' ? origin.directory : null)
