import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request, type IncomingMessage } from 'node:http'
import type { GsOptions } from 'fastify-gs'

/** What the server is asked to do, one after the other. */
export type Question =
  /** Accounts with the numbers below this one. */
  | { readonly do: 'members'; readonly count: number }
  /** A session for each of these accounts. */
  | { readonly do: 'logIn'; readonly members: readonly number[] }
  | { readonly do: 'memory' | 'cpu' | 'open' | 'watch' | 'watched' | 'stop' }

export interface Answers {
  readonly members: void
  /** Their cookies. */
  readonly logIn: string[]
  /** After the garbage has been collected, bytes: what is in use of heap and buffers, and what the system has given. */
  readonly memory: { readonly alive: number; readonly resident: number }
  /** µs since its start. */
  readonly cpu: number
  /** Sockets. */
  readonly open: number
  readonly watch: void
  /** The most that the system had given since `watch`, bytes. */
  readonly watched: number
  readonly stop: void
}

export interface LiveProcess {
  readonly port: number
  readonly ask: <Name extends keyof Answers>(question: Extract<Question, { do: Name }> | { readonly do: Name }) => Promise<Answers[Name]>
  /** Time until the answer is there, ms, and the answer. */
  readonly call: (method: string, path: string, cookie?: string) => Promise<{ ms: number; response: IncomingMessage }>
  readonly stop: () => Promise<void>
}

/** @param database null: without fastify-gs */
export async function startLiveProcess(database: GsOptions['database'] | null): Promise<LiveProcess> {
  const child = fork(new URL('live-server.ts', import.meta.url), [JSON.stringify(database)], {
    execArgv: [...process.execArgv, '--expose-gc']
  })
  const exited = once(child, 'exit')
  const said = async () =>
    (
      (await Promise.race([
        once(child, 'message'),
        exited.then(() => Promise.reject(new Error('The server of the measurement has ended.')))
      ])) as [unknown]
    )[0]
  const port = (await said()) as number
  const agent = new Agent({ keepAlive: true })
  const ask: LiveProcess['ask'] = async (question) => {
    child.send(question)
    return ((await said()) as { value?: unknown }).value as never
  }
  return {
    port,
    ask,
    call: (method, path, cookie) =>
      new Promise((resolve, reject) => {
        const start = performance.now()
        const headers = cookie === undefined ? {} : { cookie }
        request({ host: '127.0.0.1', port, method, path, agent, headers }, (response) => {
          response.resume().on('end', () => resolve({ ms: performance.now() - start, response }))
        })
          .on('error', reject)
          .end()
      }),
    async stop() {
      agent.destroy()
      await ask({ do: 'stop' })
      await exited
    }
  }
}
