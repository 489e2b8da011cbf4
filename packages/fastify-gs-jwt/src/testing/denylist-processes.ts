import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import type { DatabaseDenylistOptions, Denylist } from '../index.ts'

export interface DenylistCall {
  readonly method: string
  readonly parameters: readonly unknown[]
}

export type DenylistAnswer = { readonly value: unknown } | { readonly error: string }

/** A denylist in another process, which can be ended as a power cut does. One call at a time. */
export async function startDenylist(t: TestContext, options: DatabaseDenylistOptions) {
  const file = new URL('./denylist-process.ts', import.meta.url)
  const child = fork(file, [JSON.stringify(options)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const exited = once(child, 'exit')
  const kill = async () => {
    child.kill('SIGKILL')
    await exited
  }
  t.after(kill)
  await Promise.race([once(child, 'message'), exited.then(([code]) => Promise.reject(new Error(`the process ended with ${String(code)}`)))])

  const call = async (method: string, ...parameters: readonly unknown[]): Promise<unknown> => {
    child.send({ method, parameters } satisfies DenylistCall)
    const [answer] = (await once(child, 'message')) as [DenylistAnswer]
    if ('error' in answer) throw new Error(answer.error)
    return answer.value
  }
  return {
    kill,
    deny: (...given: Parameters<Denylist['deny']>) => call('deny', ...given),
    deniedBefore: (...given: Parameters<Denylist['deniedBefore']>) => call('deniedBefore', ...given),
    rememberSession: (sid: string, until: number) => call('rememberSession', sid, until),
    rememberedSessions: (now: number) => call('rememberedSessions', now)
  }
}
