import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { JwtKeyError } from '../errors.ts'

const most = 65_536

/** What is in a key file, and who else may have it. */
export interface KeyFile {
  readonly text: string
  readonly mode: number
  /** Of the owner. */
  readonly uid: number
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? 'unknown error'

/**
 * Reads a key file. Symbolic links are followed, because that is how Kubernetes lays secrets; everything is asked of the file that was opened.
 *
 * @throws {JwtKeyError}
 */
export async function readKeyFile(path: string): Promise<KeyFile> {
  let file: FileHandle | undefined
  try {
    // A named pipe would be waited for.
    file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
    const { mode, size, uid, ...stats } = await describe(file)
    if (!stats.plain) throw new JwtKeyError(`The key file ${path} is no file; correct its path.`)
    if (size > most)
      throw new JwtKeyError(`The key file ${path} is larger than ${most} bytes, so it holds something else; correct its path.`)
    const buffer = Buffer.alloc(most + 1)
    const length = await fill(file, buffer)
    const text = buffer.toString('utf8', 0, length).replace(/^\uFEFF/, '')
    buffer.fill(0)
    if (length > most)
      throw new JwtKeyError(`The key file ${path} is larger than ${most} bytes, so it holds something else; correct its path.`)
    if (text.trim() === '')
      throw new JwtKeyError(`The key file ${path} is empty; restore it from a backup, or make a key with "gs jwk generate".`)
    return { text, mode, uid }
  } catch (error) {
    if (error instanceof JwtKeyError) throw error
    const code = codeOf(error)
    throw new JwtKeyError(
      code === 'ENOENT'
        ? `The key file ${path} is missing; make a key with "gs jwk generate", or correct its path.`
        : `The key file ${path} cannot be read (${code}); change its owner or mode, or correct its path.`
    )
  } finally {
    await file?.close()
  }
}

async function describe(file: FileHandle) {
  const stats = await file.stat()
  return { mode: stats.mode, size: stats.size, uid: stats.uid, plain: stats.isFile() }
}

async function fill(file: FileHandle, buffer: Buffer): Promise<number> {
  let length = 0
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  return length
}

/**
 * What is wrong with who may use a key file; null: nothing. The group may read a file of root, because services get their secrets so; of
 * anybody else's file, nobody knows who put it into that group.
 */
export function faultOfAccess(path: string, { mode, uid }: Pick<KeyFile, 'mode' | 'uid'>, secret: boolean): string | null {
  if (!secret) {
    return (mode & 0o002) === 0 ? null : `The key file ${path} may be changed by every user of this machine; run "chmod o-w ${path}".`
  }
  if ((mode & 0o007) !== 0)
    return `The key file ${path} holds a secret key, and every user of this machine may use it; run "chmod 600 ${path}".`
  if ((mode & (uid === 0 ? 0o030 : 0o070)) !== 0)
    return `The key file ${path} holds a secret key, and its group may use it; run "chmod 600 ${path}", or make it a file of root with mode 640.`
  return null
}
