import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { JwsAlgorithm } from 'fastify-gs-jwt'
import type { JWK } from 'jose'
import { HttpLoad } from './http-load.ts'

/** What a server of this measurement is. All of them have the route `GET /me`, and answer it the same. */
export type ServerKind =
  | 'bare'
  | 'fastify-gs-jwt'
  | 'fastify-gs-jwt, csrf'
  | 'fastify-gs-jwt, denials in memory'
  | 'fastify-gs-jwt, denials in SQLite'
  | 'fastify-gs-jwt, no cache'
  | '@fastify/jwt, cache'
  | '@fastify/jwt, no cache'

export interface ServerSetup {
  readonly kind: ServerKind
  /** Private. */
  readonly jwk: JWK
  readonly alg: JwsAlgorithm
  /** PEM. */
  readonly publicKey: string
  /** How many denials there are in memory, none of which is about who asks. */
  readonly denials: number
  /** And the SQLite file with as many. */
  readonly denialsFile: string
}

export const iss = 'https://issuer.test'
export const aud = 'https://audience.test'
export const cookieName = 'session'

export interface JwtProcess {
  readonly load: HttpLoad
  /** µs since its start. */
  readonly cpu: () => Promise<number>
  readonly stop: () => Promise<void>
}

export async function startJwtProcess(setup: ServerSetup, connections: number): Promise<JwtProcess> {
  const child = fork(new URL('jwt-server.ts', import.meta.url), [JSON.stringify(setup)])
  const exited = once(child, 'exit')
  const said = async () =>
    (
      (await Promise.race([
        once(child, 'message'),
        exited.then(() => Promise.reject(new Error(`The server "${setup.kind}" has ended.`)))
      ])) as [number]
    )[0]
  const load = await HttpLoad.connect(await said(), connections)
  return {
    load,
    async cpu() {
      child.send('cpu')
      return said()
    },
    async stop() {
      load.close()
      child.send('stop')
      await exited
    }
  }
}
