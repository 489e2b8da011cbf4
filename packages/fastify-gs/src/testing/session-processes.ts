import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import type { GsOptions } from '../options.ts'

export const sessionKeys = ['only-for-tests-0123456789-abcdefghij']

async function start(t: TestContext, file: string, database: GsOptions['database']): Promise<{ child: ChildProcess; hello: unknown }> {
  const child = fork(new URL(file, import.meta.url), [JSON.stringify(database)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const exited = once(child, 'exit')
  t.after(async () => {
    if (child.connected) child.disconnect()
    await exited
  })
  const [hello] = (await Promise.race([
    once(child, 'message'),
    exited.then(([code]) => Promise.reject(new Error(`${file} ended with ${String(code)}`)))
  ])) as [unknown]
  return { child, hello }
}

/** What a worker without a server can be asked to do with the session that it holds. */
export type WorkerCall =
  | { readonly do: 'open'; readonly token: string }
  | { readonly do: 'read' | 'isAlive' | 'end' }
  | { readonly do: 'patch'; readonly changes: object }
  | { readonly do: 'replace'; readonly data: object; readonly version: number }
  /** So many counts, and so many keys of their own with this prefix, all at once. */
  | { readonly do: 'storm'; readonly times: number; readonly prefix: string }

export type WorkerAnswer = { readonly value: unknown } | { readonly error: string }

/** Another process with `openSessions()`. Gives a function that asks it; refusals are answered as `{ error: code }`. */
export async function startWorker(t: TestContext, database: GsOptions['database']) {
  const { child } = await start(t, './session-worker-process.ts', database)
  let last = Promise.resolve<unknown>(undefined)
  return (call: WorkerCall): Promise<WorkerAnswer> => {
    const answer = last.then(async () => {
      child.send(call)
      const [said] = (await once(child, 'message')) as [WorkerAnswer]
      return said
    })
    last = answer
    return answer
  }
}

/** Another process with the site of a test. Gives its address. */
export async function startSite(t: TestContext, database: GsOptions['database']): Promise<string> {
  return (await startMortalSite(t, database)).address
}

/** The same, with a way to end it as a power cut does. */
export async function startMortalSite(
  t: TestContext,
  database: GsOptions['database']
): Promise<{ address: string; kill: () => Promise<void> }> {
  const { child, hello } = await start(t, './session-site-process.ts', database)
  return {
    address: hello as string,
    async kill() {
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    }
  }
}
