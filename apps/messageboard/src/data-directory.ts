import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { access, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { StartError } from './start-error.ts'

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code

/** Not `mkdir` with `recursive`: that never returns below /proc, where each attempt says that the parent is missing. */
async function makeDirectory(directory: string): Promise<void> {
  const make = () => mkdir(directory, { mode: 0o700 })
  try {
    await make()
  } catch (error) {
    if (codeOf(error) === 'EEXIST' && (await stat(directory)).isDirectory()) return
    if (codeOf(error) !== 'ENOENT') throw error
    await makeDirectory(dirname(directory))
    await make()
  }
}

/**
 * Makes the directory (for its owner only) if it is missing.
 *
 * @throws {StartError} it cannot be made, or is not writable
 */
export async function prepareDataDirectory(directory: string): Promise<void> {
  try {
    await makeDirectory(directory)
    await access(directory, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    throw new StartError(
      `The data directory ${directory} cannot be written (${codeOf(error)}): change its owner or mode, or choose another one with GS_DATA_DIR.`,
      { cause: error }
    )
  }
}

/** Either the whole new file or the old state is there afterwards, whatever happens in between. */
async function writeAtomically(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`
  try {
    await rm(temporary, { force: true })
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
    const directory = await open(dirname(path), 'r')
    try {
      // Without this a power cut may forget the new name.
      await directory.sync()
    } finally {
      await directory.close()
    }
  } catch (error) {
    await rm(temporary, { force: true })
    throw new StartError(
      `${path} cannot be written (${codeOf(error)}): make room on the disk, or choose another directory with GS_DATA_DIR.`,
      { cause: error }
    )
  }
}

async function readLines(path: string): Promise<string[] | null> {
  try {
    return (await readFile(path, 'utf8')).split(/\r?\n/).filter((line) => line !== '')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw new StartError(`${path} cannot be read (${codeOf(error)}): change its owner or mode.`, { cause: error })
  }
}

/**
 * The key ring: one key a line, the first signs, all verify. Made at the first start. To rotate, put a new line on top, and
 * remove the last line some weeks later.
 */
export async function readKeyRing(directory: string): Promise<readonly string[]> {
  const path = join(directory, 'keys')
  const keys = await readLines(path)
  if (keys === null) {
    const key = randomBytes(32).toString('base64url')
    await writeAtomically(path, `${key}\n`)
    return [key]
  }
  if (keys.length === 0 || keys.some((key) => Buffer.byteLength(key) < 32)) {
    throw new StartError(
      `${path} is damaged (each line must be a key of 32 bytes or more): restore it from a backup, or remove it to have a new one made.`
    )
  }
  return keys
}

/** The hash of the password that was made up for the admin at the first start, or null before that. */
export async function readAdminPasswordHash(directory: string): Promise<string | null> {
  const path = join(directory, 'admin-password-hash')
  const lines = await readLines(path)
  if (lines === null) return null
  if (lines.length !== 1 || !lines[0]!.startsWith('$')) {
    throw new StartError(`${path} is damaged: remove it to have a new admin password made up at the next start, or set GS_ADMIN_PASSWORD.`)
  }
  return lines[0]!
}

export function writeAdminPasswordHash(directory: string, hash: string): Promise<void> {
  return writeAtomically(join(directory, 'admin-password-hash'), `${hash}\n`)
}
