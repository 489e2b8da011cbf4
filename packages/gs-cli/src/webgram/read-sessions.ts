import { createHash } from 'node:crypto'
import { isUtf8 } from 'node:buffer'
import { constants, existsSync, readdirSync, statSync, symlinkSync } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { ClassicLevel } from 'classic-level'
import { CliError } from '../cli-error.ts'
import { inTemporaryDirectory } from '../temporary-directory.ts'

/** A session of webgram-sessions, times in ms since 1970. */
export interface WebgramSession {
  readonly id: string | number
  /** SHA-256 of the secret, base64url. */
  readonly secretHash: string
  /** What the application has kept, as JSON. */
  readonly data: string
  readonly fromClient: string | null
  readonly firstVisit: number
  readonly previousVisit: number | null
  readonly latestVisit: number
}

/** A record of the old store: the session in it, or the reason why there is none. */
export type WebgramRecord = { readonly session: WebgramSession } | { readonly key: string; readonly damaged: string }

export interface WebgramSessions {
  /** Sessions, also damaged ones. */
  readonly count: number
  /** The number that the old server would have given to the next session; null: it gave no numbers, or nobody knows. */
  readonly nextNumber: number | null
  /** Whether parts of the files were damaged, and what was in them is gone. */
  readonly repaired: boolean
  batches(size: number): AsyncGenerator<readonly WebgramRecord[]>
}

type Store = ClassicLevel<Buffer, Buffer>

/**
 * Opens the LevelDB store of webgram-sessions for the time of the work: a copy of it, because LevelDB writes to whatever it opens.
 *
 * @throws {CliError} there is none, a server is using it, it cannot be read, or classic-level is not installed
 */
export async function withWebgramSessions<Result>(
  directory: string,
  work: (sessions: WebgramSessions) => Promise<Result>
): Promise<Result> {
  const Level = await loadLevel()
  const files = filesOf(directory)
  return inTemporaryDirectory('gs-webgram-', async (copy) => {
    try {
      for (const file of files) await copyFile(join(directory, file), join(copy, file), constants.COPYFILE_FICLONE)
    } catch (cause) {
      throw new CliError(
        `${directory} cannot be copied (${(cause as Error).message}); check its owner and mode, and the room in ${dirname(copy)}.`,
        undefined,
        { cause }
      )
    }
    shareLock(directory, copy)
    const opened = await openIntact(Level, copy, directory)
    try {
      return await work({ ...opened, nextNumber: await nextNumberOf(opened.store), batches: (size) => batchesOf(opened.store, size) })
    } finally {
      await opened.store.close()
    }
  })
}

async function loadLevel(): Promise<typeof ClassicLevel> {
  try {
    return (await import('classic-level')).ClassicLevel
  } catch (cause) {
    throw new CliError(
      'This needs the package classic-level, which reads LevelDB; install it beside gs-cli: npm install classic-level.',
      undefined,
      {
        cause
      }
    )
  }
}

function filesOf(directory: string): string[] {
  if (!existsSync(directory)) throw new CliError(`There is no directory ${directory}.`)
  if (!statSync(directory).isDirectory() || !existsSync(join(directory, 'CURRENT'))) {
    throw new CliError(
      `${directory} is no LevelDB store (a directory with a file CURRENT); give the directory that was the option serverSecretsDBName, else webgram-server-secrets.`
    )
  }
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => (entry.isFile() && entry.name !== 'LOCK' ? [entry.name] : []))
}

/** LevelDB locks the file behind the link: so it notices a server that still writes, and no server begins to while this runs. */
function shareLock(directory: string, copy: string): void {
  const lock = join(resolve(directory), 'LOCK')
  if (!existsSync(lock)) return
  try {
    symlinkSync(lock, join(copy, 'LOCK'))
  } catch {
    // Windows may not allow links; then the operator alone has to know that the server is stopped.
  }
}

async function openIntact(Level: typeof ClassicLevel, copy: string, directory: string) {
  try {
    const store = await open(Level, copy)
    return { store, count: await countRecords(store), repaired: false }
  } catch (error) {
    if (codeOf(error) === 'LEVEL_LOCKED') {
      throw new CliError(
        `${directory} is in use by a server; stop it first, because what it changes later would not be taken over.`,
        undefined,
        { cause: error }
      )
    }
  }
  try {
    await Level.repair(copy)
    const store = await open(Level, copy)
    return { store, count: await countRecords(store), repaired: true }
  } catch (cause) {
    throw new CliError(`${directory} is damaged beyond repair (${reasonOf(cause)}); take a backup of it.`, undefined, { cause })
  }
}

async function open(Level: typeof ClassicLevel, location: string): Promise<Store> {
  const store: Store = new Level(location, { keyEncoding: 'buffer', valueEncoding: 'buffer', createIfMissing: false })
  await store.open()
  return store
}

/** Reads all of it, because damage shows only where it is. */
async function countRecords(store: Store): Promise<number> {
  let count = 0
  try {
    for await (const [key] of store.iterator()) if (key.toString() !== nextNumberKey) count++
    return count
  } catch (error) {
    await store.close()
    throw error
  }
}

/** What abstract-level throws is about the operation; the cause is LevelDB's. */
const causeOf = (error: unknown) => ((error as Error).cause ?? error) as NodeJS.ErrnoException
const codeOf = (error: unknown) => causeOf(error).code
const reasonOf = (error: unknown) => causeOf(error).message

const nextNumberKey = 'nextSessionID'

async function nextNumberOf(store: Store): Promise<number | null> {
  const number = Number((await store.get(Buffer.from(nextNumberKey)))?.toString())
  return Number.isSafeInteger(number) && number > 0 ? number : null
}

async function* batchesOf(store: Store, size: number): AsyncGenerator<readonly WebgramRecord[]> {
  let batch: WebgramRecord[] = []
  for await (const [rawKey, value] of store.iterator()) {
    const key = rawKey.toString()
    if (key === nextNumberKey) continue
    const session = toSession(key, value)
    batch.push(typeof session === 'string' ? { key, damaged: session } : { session })
    if (batch.length < size) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

const isNumber = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

/** What a server of fastify-gs-ws takes for an id. */
const isTextId = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= 128 && value.isWellFormed() && !/\p{Cc}/u.test(value)

/** 64 bytes. */
const secretPattern = /^[A-Za-z\d+/]{86}==$/

/** The session, or what is wrong with the record. */
function toSession(key: string, raw: Buffer): WebgramSession | string {
  let value: unknown
  try {
    if (!isUtf8(raw)) return 'It is no text.'
    value = JSON.parse(raw.toString())
  } catch {
    return 'It is no JSON.'
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'It is no object.'
  const { _sessionID, _secret, _firstVisitTime, _previousVisitTime, _latestVisitTime, _fromClient, ...data } = value as Record<
    string,
    unknown
  >
  if (!(isNumber(_sessionID) || isTextId(_sessionID))) {
    return 'Its _sessionID is neither a whole number nor a text of 1 to 128 characters without control characters.'
  }
  if (String(_sessionID) !== key) return 'Its _sessionID is another one than its key.'
  if (typeof _secret !== 'string' || !secretPattern.test(_secret)) return 'Its _secret is none, so nobody could resume it.'
  const [firstVisit, latestVisit] = [toTime(_firstVisitTime), toTime(_latestVisitTime)]
  if (firstVisit === null || latestVisit === null) return 'Its _firstVisitTime or _latestVisitTime is no time.'
  if (Object.hasOwn(data, '__proto__')) return 'It has a member __proto__.'
  return {
    id: _sessionID,
    secretHash: createHash('sha256').update(_secret).digest('base64url'),
    data: JSON.stringify(data),
    fromClient: _fromClient === undefined ? null : JSON.stringify(_fromClient),
    firstVisit,
    previousVisit: toTime(_previousVisitTime),
    latestVisit
  }
}

/** Dates were written as JSON does it. */
function toTime(value: unknown): number | null {
  const time = typeof value === 'string' ? Date.parse(value) : NaN
  return Number.isNaN(time) ? null : time
}
