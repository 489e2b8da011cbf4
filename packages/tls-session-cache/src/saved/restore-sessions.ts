import { randomBytes } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { link, lstat, open, rename, unlink, type FileHandle } from 'node:fs/promises'
import { SavedSessionError } from '../errors.ts'
import { internalsOf, type TlsSessionCache } from '../session-cache.ts'
import { most } from './limits.ts'
import { readSessions, takeSessions, textOf, type LoadedCount } from './load-sessions.ts'
import { checkPath, codeOf } from './save-sessions.ts'
import { resolveSaveOptions, type RestoreOptions } from './saved-options.ts'

const nothing: LoadedCount = { taken: 0, present: 0, surplus: 0, refused: [] }

/**
 * Takes the sessions of a file that `saveSessions` has written, and removes it. A file that is not there, as at the first start, has no sessions; one
 * that cannot be used is refused in the result and left alone.
 *
 * @throws {TlsCacheOptionError} (rejects) an option is wrong, or there is neither a key nor `plaintext: true`
 */
export async function restoreSessions(cache: TlsSessionCache, path: string, options: RestoreOptions): Promise<LoadedCount> {
  checkPath(path)
  const resolved = resolveSaveOptions(options, ['connections', 'move'], internalsOf(cache).options.singleUse)
  try {
    const file = await readSaved(path, resolved.protection.kind === 'plaintext')
    if (file === null) return nothing
    const read = await readSessions(cache, file.text, resolved)
    // A cache that takes nothing must not cost the others their file.
    if (resolved.move && read.sessions.length > 0 && !cache.closed && internalsOf(cache).options.enabled) {
      if (!(await claim(path, file.stats))) return nothing
    }
    return takeSessions(cache, read)
  } catch (error) {
    const { fault, message } =
      error instanceof SavedSessionError
        ? error
        : new SavedSessionError(
            'file',
            `The saved sessions in ${path} cannot be used (${codeOf(error)}); change the owner or mode of the file.`
          )
    return { ...nothing, refused: [{ record: 0, fault, reason: message }] }
  }
}

async function readSaved(path: string, plaintext: boolean): Promise<{ readonly text: string; readonly stats: Stats } | null> {
  // A link could be somebody else's; a named pipe would be waited for.
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
  let file: FileHandle | undefined
  try {
    file = await open(path, flags)
    const stats = await file.stat()
    const fault = faultOf(path, stats, plaintext)
    if (fault !== null) throw new SavedSessionError('file', fault)
    const buffer = Buffer.alloc(Math.min(stats.size, most.bytes) + 1)
    let length = 0
    for (let more = -1; more !== 0 && length < buffer.length; length += more)
      more = (await file.read(buffer, length, buffer.length - length, length)).bytesRead
    return { text: textOf(buffer.subarray(0, length)), stats }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    if (codeOf(error) === 'ELOOP')
      throw new SavedSessionError('file', `The saved sessions in ${path} cannot be used, because it is a link; give the path of the file.`)
    throw error
  } finally {
    await file?.close()
  }
}

/** What is wrong with a file; null: nothing. Who can write a dump in plaintext decides whom connections take for verified. */
function faultOf(path: string, { mode, nlink, size, uid }: Stats, plaintext: boolean): string | null {
  if ((mode & constants.S_IFMT) !== constants.S_IFREG)
    return `The saved sessions in ${path} cannot be used, because it is no file; correct the path.`
  if (size > most.bytes)
    return `The saved sessions in ${path} cannot be used, because it is longer than ${most.bytes} bytes; correct the path.`
  const own = process.getuid?.()
  if (!plaintext || own === undefined) return null
  if (uid !== own && uid !== 0) return `The saved sessions in ${path} are of another user of this machine, and not encrypted; use a key.`
  if ((mode & 0o077) !== 0)
    return `The saved sessions in ${path} are not encrypted, and others may read or change them; use a key, or run "chmod 600 ${path}".`
  return nlink > 1 ? `The saved sessions in ${path} cannot be used, because the file has more than one name.` : null
}

/** Takes a file away, unless somebody was faster. */
async function claim(path: string, { dev, ino }: Stats): Promise<boolean> {
  const own = `${path}.${randomBytes(8).toString('hex')}.tmp`
  try {
    await rename(path, own)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
  const stats = await lstat(own)
  const same = stats.dev === dev && stats.ino === ino
  // Newer ones were saved meanwhile: they are for somebody else, unless there are newer ones yet.
  if (!same) await link(own, path).catch(() => undefined)
  await unlink(own)
  return same
}
