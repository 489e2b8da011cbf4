import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { Server } from 'node:tls'
import { TlsCacheOptionError } from '../errors.ts'
import { longestSession, sessionFacts } from '../session-facts.ts'

/** Where sessions of TLS 1.2 are kept for several processes. What it does may take time; when it fails there is a full handshake. */
export interface SessionIdStore {
  /** What was kept under this name; null or undefined: nothing. */
  get(id: string): Uint8Array | null | undefined | Promise<Uint8Array | null | undefined>
  /** Keeps bytes for so many seconds. */
  set(id: string, data: Uint8Array, ttl: number): unknown
  /** Called for what turned out to be damaged. */
  delete?(id: string): unknown
}

export interface SessionIdOptions {
  /** Seconds for which a session is kept, 1 to 86400; never longer than the option `sessionTimeout` of the server. Default: 300. */
  readonly ttl?: number
  /** 32 random bytes, the same in every process, with which sessions are encrypted in the store. Default: they are not. */
  readonly key?: Uint8Array
  /** Milliseconds that a client waits for the store at most, 1 to 30000. Default: 1000. */
  readonly timeout?: number
  /** Told when the store has failed, or has given what it was not given. Default: nobody. */
  readonly onError?: (error: unknown) => void
}

type IdServer = Pick<Server, 'on' | 'off' | 'listenerCount'>

const nonceBytes = 12
const tagBytes = 16

function refuse(message: string): never {
  throw new TlsCacheOptionError(`tls-session-cache: ${message}`)
}

function whole(name: string, value: unknown, most: number, unit: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 1 || (value as number) > most)
    refuse(`the option ${name} must be a whole number of ${unit} from 1 to ${most}.`)
  return value as number
}

function resolve(server: IdServer, store: SessionIdStore, options: SessionIdOptions) {
  if (typeof server !== 'object' || server === null || !('setTicketKeys' in server))
    refuse('storeSessionIds() needs a server of tls, https or http2; with Fastify it is app.server, and the option https has to be there.')
  // Node breaks connections off when it is answered twice, also those that would not be resumed.
  if (server.listenerCount('newSession') > 0 || server.listenerCount('resumeSession') > 0)
    refuse('the server keeps its sessions in a store already; end that before storeSessionIds() is called again.')
  if (typeof store?.get !== 'function' || typeof store.set !== 'function')
    refuse('storeSessionIds() needs a store with the methods get and set.')
  if (typeof options !== 'object' || options === null) refuse('the options of storeSessionIds() must be an object.')
  const known = ['ttl', 'key', 'timeout', 'onError']
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  if (unknown !== undefined) refuse(`the option ${unknown} is not known; known are ${known.join(', ')}.`)
  const { key, onError = () => undefined, timeout = 1000, ttl = 300 } = options
  if (key !== undefined && (!(key instanceof Uint8Array) || key.length !== 32)) refuse('the option key must be 32 random bytes.')
  if (typeof onError !== 'function') refuse('the option onError must be a function.')
  return {
    key: key === undefined ? null : Buffer.from(key),
    onError,
    timeout: whole('timeout', timeout, 30_000, 'milliseconds'),
    ttl: whole('ttl', ttl, 86_400, 'seconds')
  }
}

/** So that a session is taken under its own id only. */
const bound = (id: Buffer) => Buffer.concat([Buffer.from('tls-session-cache session id 1 '), id])

function hide(key: Buffer, id: Buffer, data: Buffer): Buffer {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes }).setAAD(bound(id))
  return Buffer.concat([nonce, cipher.update(data), cipher.final(), cipher.getAuthTag()])
}

/** Throws where it was changed, or is another one's. */
function reveal(key: Buffer, id: Buffer, hidden: Buffer): Buffer {
  if (hidden.length < nonceBytes + tagBytes) throw new Error('too short')
  const decipher = createDecipheriv('aes-256-gcm', key, hidden.subarray(0, nonceBytes), { authTagLength: tagBytes })
    .setAAD(bound(id))
    .setAuthTag(hidden.subarray(hidden.length - tagBytes))
  return Buffer.concat([decipher.update(hidden.subarray(nonceBytes, hidden.length - tagBytes)), decipher.final()])
}

/** A session of another id would make the handshake fail. */
const isSession = (id: Buffer, data: Buffer) => sessionFacts(data)?.protocol === 'TLSv1.2' && data.includes(id)

/**
 * Keeps the TLS 1.2 sessions of a server in a store that others may have, too, so that a client can resume with each of them by the id of its
 * session. The servers need the same certificate and `sessionIdContext`, and no tickets: see `withoutTickets()`.
 *
 * @returns what ends it
 * @throws {TlsCacheOptionError}
 */
export function storeSessionIds(server: IdServer, store: SessionIdStore, options: SessionIdOptions = {}): () => void {
  const { key, onError, timeout, ttl } = resolve(server, store, options)

  /** Node waits for ever: answers in time, once, whatever the store does. */
  const within = <T>(work: () => T | Promise<T>, done: (value: T | null) => void) => {
    let answered = false
    const answer = (value: T | null) => {
      if (answered) return
      answered = true
      clearTimeout(timer)
      done(value)
    }
    const failed = (error: unknown) => {
      answer(null)
      onError(error)
    }
    const timer = setTimeout(() => failed(new Error(`The store of TLS sessions has not answered in ${timeout} ms.`)), timeout)
    void Promise.try(work).then(answer, failed)
  }

  const keep = (id: Buffer, data: Buffer, done: () => void) => {
    // Those of TLS 1.3 come here, too, and are never asked for.
    if (!isSession(id, data)) return done()
    within(
      () => store.set(id.toString('hex'), key === null ? data : hide(key, id, data), ttl),
      () => done()
    )
  }
  const find = (id: Buffer, done: (error: Error | null, data: Buffer | null) => void) => {
    const name = id.toString('hex')
    within(
      async () => {
        const found = await store.get(name)
        if (found === null || found === undefined) return null
        const data = read(id, found)
        if (data === null) {
          onError(new Error('The store of TLS sessions has given something that is not the session it was asked for.'))
          Promise.try(() => store.delete?.(name)).catch(onError)
        }
        return data
      },
      (data) => done(null, data)
    )
  }
  const read = (id: Buffer, found: Uint8Array): Buffer | null => {
    if (!(found instanceof Uint8Array) || found.length > longestSession + nonceBytes + tagBytes) return null
    try {
      const bytes = Buffer.from(found.buffer, found.byteOffset, found.byteLength)
      const data = key === null ? bytes : reveal(key, id, bytes)
      return isSession(id, data) ? data : null
    } catch {
      return null
    }
  }

  server.on('newSession', keep)
  server.on('resumeSession', find)
  return () => {
    server.off('newSession', keep)
    server.off('resumeSession', find)
  }
}
