import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import type { PostgresStoreOptions, SessionStore, SqliteStoreOptions } from '../index.ts'

export type StorePlace = SqliteStoreOptions | PostgresStoreOptions

export interface StoreCall {
  readonly call: number
  readonly method: string
  readonly parameters: readonly unknown[]
}

export type StoreAnswer = { readonly call: number; readonly value: unknown } | { readonly call: number; readonly error: string }

/** A store in another process, which can be ended as a power cut does. */
export async function startStore(t: TestContext, place: StorePlace): Promise<{ kill: () => Promise<void>; store: SessionStore }> {
  const file = new URL('./store-process.ts', import.meta.url)
  const child = fork(file, [JSON.stringify(place)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], serialization: 'advanced' })
  const exited = once(child, 'exit')
  const kill = async () => {
    child.kill('SIGKILL')
    await exited
  }
  t.after(kill)
  await Promise.race([once(child, 'message'), exited.then(([code]) => Promise.reject(new Error(`the process ended with ${String(code)}`)))])

  const waiting = new Map<number, (answer: StoreAnswer) => void>()
  let calls = 0
  child.on('message', (answer: StoreAnswer) => {
    waiting.get(answer.call)?.(answer)
    waiting.delete(answer.call)
  })
  const ask = async (method: string, parameters: readonly unknown[]) => {
    const call = ++calls
    const answered = new Promise<StoreAnswer>((resolve) => waiting.set(call, resolve))
    child.send({ call, method, parameters } satisfies StoreCall)
    const answer = await answered
    if ('error' in answer) throw new Error(answer.error)
    return answer.value
  }
  const store = new Proxy({} as SessionStore, {
    // A promise is asked for its method then.
    get: (_, method) => (method === 'then' ? undefined : (...parameters: readonly unknown[]) => ask(String(method), parameters))
  })
  return { kill, store }
}
