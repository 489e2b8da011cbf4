import { randomBytes } from 'node:crypto'
import { chmod, link, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import type { ClientStorage } from './storage.ts'

/** ms: how often a lock is tried, after how long that of a process that has died is broken, and after how long nobody waits any longer. */
const lockRetry = 10
const lockStale = 10_000
const lockPatience = 20_000

/**
 * Keeps sessions in a file, for programs in Node. Only the user may read it. It is replaced as a whole, and several processes may use the same one.
 * A file that cannot be read as JSON is put aside as `<path>.damaged` when something is to be stored. The folder has to be there.
 */
export function fileStorage(path: string): ClientStorage {
  async function read(): Promise<Record<string, unknown>> {
    let text: string
    try {
      text = await readFile(path, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
      throw error
    }
    let items: unknown
    try {
      items = JSON.parse(text)
    } catch {}
    if (typeof items !== 'object' || items === null || Array.isArray(items)) throw new DamagedFileError(path)
    return Object.assign(Object.create(null) as Record<string, unknown>, items)
  }

  async function change(act: (items: Record<string, unknown>) => void): Promise<void> {
    // Where a link leads, so that the link stays, and all who come by it or not see the same lock.
    const target = await realpath(path).catch(() => path)
    await locked(`${target}.lock`, async () => {
      const items = await read().catch(async (error: unknown) => {
        if (!(error instanceof DamagedFileError)) throw error
        await chmod(path, 0o600)
        await rename(target, `${target}.damaged`)
        return Object.create(null) as Record<string, unknown>
      })
      const before = JSON.stringify(items)
      act(items)
      if (JSON.stringify(items) !== before) await replace(target, `${JSON.stringify(items, null, 2)}\n`)
    })
  }

  return {
    async getItem(key) {
      const items = await read()
      // One that somebody else has made may be open to all.
      await chmod(path, 0o600).catch(() => {})
      const item = items[key]
      return typeof item === 'string' ? item : null
    },
    setItem: (key, value) =>
      change((items) => {
        items[key] = value
      }),
    removeItem: (key) =>
      change((items) => {
        Reflect.deleteProperty(items, key)
      })
  }
}

class DamagedFileError extends Error {
  override readonly name = 'DamagedFileError'
  readonly code = 'GS_WS_FILE'

  constructor(path: string) {
    super(`The file of sessions ${path} is damaged; it is put aside when the next session is stored.`)
  }
}

async function replace(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

async function locked(path: string, act: () => Promise<void>): Promise<void> {
  const mark = randomBytes(12).toString('hex')
  for (const begun = performance.now(); ; await wait(lockRetry * (0.5 + randomBytes(1)[0]! / 255))) {
    try {
      const file = await open(path, 'wx', 0o600)
      await file.writeFile(mark)
      await file.close()
      break
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      if (performance.now() - begun > lockPatience)
        throw new Error(`The lock ${path} is held by another process for too long.`, { cause: error })
      await breakStale(path)
    }
  }
  try {
    await act()
  } finally {
    // Not that of another process that has taken it for stale.
    if ((await readFile(path, 'utf8').catch(() => '')) === mark) await rm(path, { force: true })
  }
}

/** Renaming is done by one process only, which sees what it has got. */
async function breakStale(path: string): Promise<void> {
  const found = await stat(path).catch(() => null)
  if (found === null || Date.now() - found.mtimeMs < lockStale) return
  const aside = `${path}.${randomBytes(6).toString('hex')}`
  try {
    await rename(path, aside)
  } catch {
    return
  }
  const taken = await stat(aside)
  // Another process was quicker, and this is its new lock: it gets it back, unless a third one has made another one meanwhile.
  if (taken.ino !== found.ino || taken.mtimeMs !== found.mtimeMs) {
    await link(aside, path).catch(() => {})
  }
  await rm(aside, { force: true })
}
