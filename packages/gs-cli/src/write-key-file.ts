import { randomBytes } from 'node:crypto'
import { link, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

interface WriteOptions {
  /** Whether to replace a file that is there. Default: false. */
  readonly replace?: boolean
  /** Default: 0600, for its owner only. */
  readonly mode?: number
}

/**
 * Writes a file that is there whole or not at all, also after a power cut, and never for others to read in between. `exists`: there is one
 * already, and it stays as it is.
 *
 * @throws the error of the file system
 */
export async function writeKeyFile(
  path: string,
  text: string,
  { replace = false, mode = 0o600 }: WriteOptions = {}
): Promise<'written' | 'exists'> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(text)
      // The umask has no say in it.
      await file.chmod(mode)
      await file.sync()
    } finally {
      await file.close()
    }
    // Unlike a renaming, a link does not replace what another process has made in the meantime.
    if (replace) await rename(temporary, path)
    else await link(temporary, path)
    const directory = await open(dirname(path), 'r')
    try {
      // Without this a power cut may forget the new name.
      await directory.sync()
    } finally {
      await directory.close()
    }
    return 'written'
  } catch (error) {
    if (!replace && (error as NodeJS.ErrnoException).code === 'EEXIST') return 'exists'
    throw error
  } finally {
    await rm(temporary, { force: true })
  }
}
