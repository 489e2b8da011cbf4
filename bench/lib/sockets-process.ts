import { fork } from 'node:child_process'
import { once } from 'node:events'

export interface SocketsSetup {
  /** `bare`: @fastify/websocket alone. */
  readonly kind: 'bare' | 'memory' | 'sqlite'
  /** Of SQLite. */
  readonly file: string
}

/** A session, and what proves it. */
export type StoredSecret = readonly [id: string, secret: string]

export type SocketsQuestion = { readonly do: 'memory' | 'cpu' | 'stop' } | { readonly do: 'fill'; readonly count: number }

export interface SocketsProcess {
  readonly address: string
  /** After the garbage has been collected: heap and buffers in use, bytes. */
  readonly memory: () => Promise<number>
  /** µs since its start. */
  readonly cpu: () => Promise<number>
  /** Puts so many sessions into the store. */
  readonly fill: (count: number) => Promise<readonly StoredSecret[]>
  readonly stop: () => Promise<void>
}

export async function startSocketsProcess(setup: SocketsSetup): Promise<SocketsProcess> {
  const child = fork(new URL('sockets-server.ts', import.meta.url), [JSON.stringify(setup)], {
    execArgv: [...process.execArgv, '--expose-gc']
  })
  const exited = once(child, 'exit')
  const said = async () =>
    (
      (await Promise.race([
        once(child, 'message'),
        exited.then(() => Promise.reject(new Error(`The server "${setup.kind}" has ended.`)))
      ])) as [unknown]
    )[0]
  const ask = async (question: SocketsQuestion) => {
    child.send(question)
    return said()
  }
  return {
    address: (await said()) as string,
    memory: () => ask({ do: 'memory' }) as Promise<number>,
    cpu: () => ask({ do: 'cpu' }) as Promise<number>,
    fill: (count) => ask({ do: 'fill', count }) as Promise<readonly StoredSecret[]>,
    async stop() {
      child.send({ do: 'stop' })
      await exited
    }
  }
}
