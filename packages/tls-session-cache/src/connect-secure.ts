import tls, { type ConnectionOptions, type TLSSocket } from 'node:tls'
import { TlsCacheOptionError } from './errors.ts'
import type { TlsSessionCache } from './session-cache.ts'

export interface SecureConnectionOptions extends Omit<ConnectionOptions, 'timeout'> {
  /** Ends the attempt; the promise is rejected with its reason. It has no effect on a connection that is there. */
  readonly signal?: AbortSignal
  /** ms until the handshake must be done, with a second try if there is one; then the error has the code `ETIMEDOUT`. Default: no limit. */
  readonly timeout?: number
}

const withCode = (message: string, code: string) => Object.assign(new Error(`tls-session-cache: ${message}`), { code })

/** See {@link TlsSessionCache.connectSecure}. */
export async function connectSecure(cache: TlsSessionCache, given: SecureConnectionOptions): Promise<TLSSocket> {
  const { signal, timeout, ...options } = given
  if (timeout !== undefined && !(typeof timeout === 'number' && timeout > 0 && timeout <= 2_147_483_647))
    throw new TlsCacheOptionError('tls-session-cache: the option timeout must be a number of ms above 0, or be left out.')
  signal?.throwIfAborted()

  return await new Promise<TLSSocket>((resolve, reject) => {
    let socket: TLSSocket | undefined
    let isSettled = false
    const settle = () => {
      isSettled = true
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
    const refuse = (reason: unknown) => {
      if (isSettled) return
      settle()
      socket?.destroy()
      reject(reason)
    }
    const abort = () => refuse(signal!.reason)
    const timer =
      timeout === undefined
        ? undefined
        : setTimeout(() => refuse(withCode(`no secure connection within ${timeout} ms.`, 'ETIMEDOUT')), timeout)
    signal?.addEventListener('abort', abort, { once: true })

    const attempt = (isSecond: boolean) => {
      const { session, watch } = cache.prepare(options, isSecond)
      const made = watch(tls.connect(session === undefined ? options : { ...options, session }))
      socket = made
      let isOver = false
      let reached = false
      const connected = () => {
        reached = true
      }
      const failed = (error: Error) => {
        if (isOver || isSettled) return
        isOver = true
        made.destroy()
        if (session === undefined || !reached || options.socket !== undefined) return refuse(error)
        try {
          attempt(true)
        } catch (second) {
          refuse(second)
        }
      }
      const closed = () => failed(withCode('the connection was closed before it was secure.', 'ECONNRESET'))
      made
        .on('error', failed)
        .once('connect', connected)
        .once('close', closed)
        .once('secureConnect', () => {
          if (isSettled) return
          made.off('error', failed).off('connect', connected).off('close', closed)
          settle()
          resolve(made)
        })
    }
    try {
      attempt(false)
    } catch (error) {
      refuse(error)
    }
  })
}
