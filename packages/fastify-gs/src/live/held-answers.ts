import type { onSendHookHandler } from 'fastify'

/** Answers that wait for what somebody has to write down first. */
export interface HeldAnswers {
  readonly hold: (work: Promise<unknown>) => void
  readonly beforeAnswer: onSendHookHandler
}

/** Whoever only reads is not the cause of anything, and need not wait. */
const reading: readonly string[] = ['GET', 'HEAD', 'OPTIONS']

/** @param patience how long a work holds answers at most, ms */
export function createHeldAnswers(patience = 5_000): HeldAnswers {
  const held = new Set<Promise<void>>()
  return {
    hold(work) {
      const { promise, resolve } = Promise.withResolvers<void>()
      held.add(promise)
      const over = () => {
        clearTimeout(timer)
        held.delete(promise)
        resolve()
      }
      const timer = setTimeout(over, patience).unref()
      // Whether it has failed is the business of who does it; but a rejection that nobody hears of would end the process.
      work.then(over, over)
    },
    beforeAnswer({ method }, _reply, payload, done) {
      if (held.size === 0 || reading.includes(method)) return done(null, payload)
      const proceed = () => done(null, payload)
      Promise.all(held).then(proceed, proceed)
    }
  }
}
