import { fork } from 'node:child_process'
import { once } from 'node:events'

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3'

export interface TlsSetup {
  /** `line`: says one line and waits for the goodbye. `https`: closes after each answer. `smtp`: takes mails, with STARTTLS; `smtps`: without. */
  readonly kind: 'line' | 'https' | 'smtp' | 'smtps'
  readonly cert: string
  readonly key: string
  readonly version: TlsVersion
  /** False: sessions of TLS 1.2 have ids, which the server keeps. */
  readonly tickets?: boolean
}

export interface TlsUse {
  /** µs of CPU since the start of the process. */
  readonly cpu: number
  /** Connections, and how many of them were resumed. */
  readonly connections: number
  readonly resumed: number
}

export interface TlsProcess {
  readonly port: number
  readonly use: () => Promise<TlsUse>
  readonly stop: () => Promise<void>
}

export async function startTlsProcess(setup: TlsSetup): Promise<TlsProcess> {
  const child = fork(new URL('tls-server.ts', import.meta.url), [JSON.stringify(setup)])
  const exited = once(child, 'exit')
  const said = async () =>
    (
      (await Promise.race([
        once(child, 'message'),
        exited.then(() => Promise.reject(new Error(`The server "${setup.kind}" has ended.`)))
      ])) as [unknown]
    )[0]
  return {
    port: (await said()) as number,
    async use() {
      child.send('use')
      return (await said()) as TlsUse
    },
    async stop() {
      child.disconnect()
      await exited
    }
  }
}
