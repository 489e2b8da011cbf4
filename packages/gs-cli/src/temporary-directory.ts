import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Gives the work a directory that only this user can read, and that goes with the work, also when the person loses patience. */
export async function inTemporaryDirectory<Result>(prefix: string, work: (directory: string) => Promise<Result>): Promise<Result> {
  const directory = mkdtempSync(join(tmpdir(), prefix))
  const remove = () => rmSync(directory, { recursive: true, force: true })
  const stop = (signal: NodeJS.Signals) => {
    remove()
    process.kill(process.pid, signal)
  }
  for (const signal of signals) process.once(signal, stop)
  try {
    return await work(directory)
  } finally {
    // SQLite leaves no turn in which a signal is heard; one that has come must not be lost with its listener.
    await setImmediate()
    for (const signal of signals) process.off(signal, stop)
    remove()
  }
}
