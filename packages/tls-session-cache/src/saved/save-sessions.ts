import { randomBytes } from 'node:crypto'
import { lstat, open, readdir, rename, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { SavedSessionError } from '../errors.ts'
import { internalsOf, type TlsSessionCache } from '../session-cache.ts'
import { writeDump, type SavedCount } from './dump-sessions.ts'
import { refuse, resolveSaveOptions, type DumpOptions } from './saved-options.ts'

export const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? 'unknown error'

const cureOf = (code: string) =>
  code === 'ENOSPC' || code === 'EDQUOT' ? 'make room on its disk' : 'create its folder, or change the owner of it'

export function checkPath(path: unknown): asserts path is string {
  if (typeof path !== 'string' || path === '') refuse('saved sessions need the path of a file.')
}

/**
 * Saves sessions to a file that only its owner can read. It takes the place of an older one at once and whole; the folder must exist.
 *
 * @throws {TlsCacheOptionError} (rejects) an option is wrong, or there is neither a key nor `plaintext: true`
 * @throws {SavedSessionError} (rejects) `file`: it cannot be written. The cache has its sessions still.
 */
export async function saveSessions(cache: TlsSessionCache, path: string, options: DumpOptions): Promise<SavedCount> {
  checkPath(path)
  const resolved = resolveSaveOptions(options, ['move'], internalsOf(cache).options.singleUse)
  const { text, undo, ...count } = await writeDump(cache, resolved)
  try {
    await replaceFile(path, text)
  } catch (error) {
    undo()
    throw error instanceof SavedSessionError
      ? error
      : new SavedSessionError('file', `The sessions cannot be saved to ${path} (${codeOf(error)}); ${cureOf(codeOf(error))}.`)
  }
  return count
}

async function replaceFile(path: string, text: string): Promise<void> {
  const there = await lstat(path).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  })
  if (there !== null && !there.isFile())
    throw new SavedSessionError(
      'file',
      `The sessions cannot be saved to ${path}, which is a link, a folder or a device; give the path of a file.`
    )
  const temporary = `${path}.${randomBytes(8).toString('hex')}.tmp`
  // It must not be there yet, not even as a link.
  const file = await open(temporary, 'wx', 0o600)
  try {
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await unlink(temporary).catch(() => undefined)
    throw error
  }
  await syncFolder(dirname(path))
  await removeLeftovers(path)
}

/** ms after which nobody is at work on a file with a name of its own any more. */
const longestWork = 60_000

/** Sessions are secrets: what a process has left that was ended while it saved or restored them does not stay. */
async function removeLeftovers(path: string): Promise<void> {
  const folder = dirname(path)
  const start = `${basename(path)}.`
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.startsWith(start) || !/^[\da-f]{16}\.tmp$/.test(name.slice(start.length))) continue
    const file = join(folder, name)
    const stats = await lstat(file).catch(() => null)
    // Not mtime: who restores a file gives it another name, and it may have been written long ago.
    if (stats !== null && Date.now() - stats.ctimeMs > longestWork) await unlink(file).catch(() => undefined)
  }
}

/** So that the new name survives a loss of power. Some systems cannot. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r').catch(() => null)
  await folder?.sync().catch(() => undefined)
  await folder?.close()
}
