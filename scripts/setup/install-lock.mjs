import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { root } from './root.mjs'

// Process ids are used again, above all in containers where every first process is 1: no installation takes this long.
const abandonedAfter = 15 * 60 * 1000

/**
 * Runs `work` while no other command installs into this workspace. A lock that a killed command left behind does not count.
 * @template T
 * @param {() => Promise<T>} work
 * @param {string} folder
 * @returns {Promise<T>}
 */
export async function withInstallLock(work, folder = join(root, '.tools')) {
  mkdirSync(folder, { recursive: true })
  const lock = join(folder, 'install.lock')
  let announced = false
  while (!acquire(lock)) {
    const owner = holder(lock)
    if (owner === undefined) {
      rmSync(lock, { force: true })
      continue
    }
    if (!announced) process.stderr.write(`Waiting for another command (process ${owner}) that is installing …\n`)
    announced = true
    await wait(200)
  }
  try {
    return await work()
  } finally {
    rmSync(lock, { force: true })
  }
}

/** @param {string} lock */
function acquire(lock) {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

/**
 * @param {string} lock
 * @returns {number | undefined} the living process that holds the lock
 */
function holder(lock) {
  try {
    const pid = Number(readFileSync(lock, 'utf8'))
    const age = Date.now() - statSync(lock).mtimeMs
    // Empty for the moment between its creation and the writing of the process id.
    if (pid === 0) return age < 2000 ? 0 : undefined
    if (pid === process.pid || age > abandonedAfter) return undefined
    process.kill(pid, 0)
    return pid
  } catch (error) {
    // EPERM: alive, and somebody else's.
    return codeOf(error) === 'EPERM' ? 1 : undefined
  }
}

/** @param {unknown} error */
function codeOf(error) {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
