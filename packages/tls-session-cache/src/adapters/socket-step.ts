import type { Socket } from 'node:net'
import { socketError, type SmtpError } from './smtp-error.ts'

export interface StepLimits {
  /** ms. */
  readonly within: number
  readonly late: () => SmtpError
  /** The socket was closed, and nobody has said why. */
  readonly closed: () => SmtpError
}

type Listener = (...args: never[]) => void

/**
 * Waits for something that happens on a socket; fails when the socket does, or when it takes too long. Only one step is made at a time, and nothing of it
 * stays behind on the socket.
 */
export function socketStep<T>(
  socket: Socket,
  { closed, late, within }: StepLimits,
  listen: (done: (value: T) => void, fail: (error: SmtpError) => void) => Readonly<Record<string, Listener>>
): Promise<T> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error | null) => (error === null ? closed() : socketError(error))
    if (socket.destroyed) {
      reject(failed(socket.errored))
      return
    }
    const end = () => {
      clearTimeout(timer)
      for (const [name, listener] of listeners) socket.off(name, listener as () => void)
    }
    const fail = (error: SmtpError) => {
      end()
      reject(error)
    }
    const done = (value: T) => {
      end()
      resolve(value)
    }
    const listeners = Object.entries({
      error: (error: Error) => fail(failed(error)),
      close: () => fail(failed(socket.errored)),
      ...listen(done, fail)
    })
    const timer = setTimeout(() => fail(late()), Math.max(within, 1))
    for (const [name, listener] of listeners) socket.on(name, listener as () => void)
  })
}
