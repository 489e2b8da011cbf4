import { randomBytes } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { CliError } from '../cli-error.ts'
import { writeKeyFile } from '../write-key-file.ts'

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? String(error)

/**
 * The key ring in a file: one key a line, the first signs, all verify. Made when it is missing; there is one key for all processes that
 * start at the same time.
 *
 * @throws {CliError} it cannot be read or made, is damaged, or others could read it
 */
export async function readKeyRing(path: string): Promise<readonly string[]> {
  const keys = (await readKeys(path)) ?? (await makeKeys(path))
  if (keys.length === 0 || keys.some((key) => Buffer.byteLength(key) < 32)) {
    throw new CliError(
      `${path} is damaged (each line must be a key of 32 bytes or more); restore it from a backup, or remove it to have a new one made, which logs out visitors who are not logged in and voids links in mails.`
    )
  }
  return keys
}

/** What is in the file; null: it is not there. @throws {CliError} */
export async function readKeys(path: string): Promise<string[] | null> {
  try {
    if (((await stat(path)).mode & 0o007) !== 0 && process.platform !== 'win32') {
      throw new CliError(`${path} holds the secret keys of the site, and every user of this machine may use it; run "chmod 600 ${path}".`)
    }
    return (await readFile(path, 'utf8')).split(/\r?\n/).filter((line) => line !== '')
  } catch (error) {
    if (error instanceof CliError) throw error
    if (codeOf(error) === 'ENOENT') return null
    throw new CliError(`${path} with the secret keys of the site cannot be read (${codeOf(error)}); change its owner or mode.`, undefined, {
      cause: error
    })
  }
}

async function makeKeys(path: string): Promise<string[]> {
  try {
    // One that another process has made in the meantime stays.
    await writeKeyFile(path, `${randomBytes(32).toString('base64url')}\n`)
  } catch (error) {
    throw new CliError(
      `${path} with the secret keys of the site cannot be made (${codeOf(error)}); make its directory writable for this user, or choose another place with --keys.`,
      undefined,
      { cause: error }
    )
  }
  return (await readKeys(path)) ?? []
}
