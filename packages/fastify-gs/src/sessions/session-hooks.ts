import { AsyncLocalStorage } from 'node:async_hooks'
import type { FastifyBaseLogger, FastifyRequest } from 'fastify'
import { gsError, GsOptionError, type GsErrorCode, type GsReasonCode } from '../errors.ts'
import type { BeforeLoginEvent, GsHooks, HookVerdict, UpgradeEvent } from '../hooks.ts'

/** The hooks that sessions themselves run; those for their end are told by `live/session-events.ts`. */
type RunHooks = Pick<GsHooks, 'onSessionStart' | 'beforeLogin' | 'onUpgrade'>

export interface SessionHooks {
  readonly add: <Name extends keyof RunHooks>(name: Name, handler: RunHooks[Name]) => void
  /** Null: nobody wants to know, and nothing has to be awaited. @throws {GsError} `GS_SESSION_REFUSED` (rejects) */
  readonly start: (request: FastifyRequest) => Promise<void> | null
  /** @throws {GsError} `GS_LOGIN_REFUSED` */
  readonly beforeLogin: (event: BeforeLoginEvent) => Promise<void>
  /** Never rejects. */
  readonly upgraded: (event: UpgradeEvent) => Promise<void>
}

/** A hook that is asked while others wait must answer by then, ms. */
const patience = 5_000

async function inTime<T>(name: string, answer: T | Promise<T>): Promise<T> {
  let limit: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_resolve, reject) => {
    limit = setTimeout(() => reject(new Error(`the hook ${name} was not done after ${patience} ms`)), patience).unref()
  })
  try {
    return await Promise.race([answer, tooLate])
  } finally {
    clearTimeout(limit)
  }
}

function enforce(verdict: HookVerdict, code: GsErrorCode, reasonCode: GsReasonCode): void {
  if (verdict === false) throw gsError(code, { reasonCode })
  if (typeof verdict === 'string') throw gsError(code, { reason: verdict })
}

export function createSessionHooks(log: Pick<FastifyBaseLogger, 'error'>): SessionHooks {
  const handlers: { [Name in keyof RunHooks]: RunHooks[Name][] } = { onSessionStart: [], beforeLogin: [], onUpgrade: [] }
  /** Sessions that may begin; asked once, though several parts of one request may want the session. */
  const started = new WeakMap<object, Promise<void>>()
  /** The session about whose begin a handler is being asked. */
  const asking = new AsyncLocalStorage<object>()

  const ask = async (request: FastifyRequest) => {
    const event = { sessionId: request.gs.session.id, ip: request.ip, request }
    for (const handler of handlers.onSessionStart) {
      enforce(await inTime('onSessionStart', handler(event)), 'GS_SESSION_REFUSED', 'reason.session.refused')
    }
  }

  return {
    add: (name, handler) => void handlers[name].push(handler),
    start(request) {
      if (handlers.onSessionStart.length === 0) return null
      const known = started.get(request.gs)
      if (asking.getStore() === request.gs) throw new Error('In onSessionStart there is no session yet, and nothing can be stored in it.')
      if (known !== undefined) return known
      const answer = asking.run(request.gs, ask, request)
      started.set(request.gs, answer)
      return answer
    },
    async beforeLogin(event) {
      for (const handler of handlers.beforeLogin) {
        enforce(await inTime('beforeLogin', handler(event)), 'GS_LOGIN_REFUSED', 'reason.login.refused')
      }
    },
    async upgraded(event) {
      for (const handler of handlers.onUpgrade) {
        try {
          await handler(event)
        } catch (error) {
          // The login is committed; one hook's fault must not hide it from the visitor.
          log.error({ err: error, sessionId: event.sessionId }, 'a hook onUpgrade failed')
        }
      }
    }
  }
}

const hookNames = ['onSessionStart', 'beforeLogin', 'onUpgrade', 'onDowngrade', 'onSessionEnd'] as const satisfies (keyof GsHooks)[]

/** @throws {GsOptionError} */
export function checkHook(name: unknown, handler: unknown): void {
  if (!(hookNames as readonly unknown[]).includes(name))
    throw new GsOptionError(`fastify-gs: there is no hook ${JSON.stringify(name)}; there are ${hookNames.join(', ')}.`)
  if (typeof handler !== 'function') throw new GsOptionError(`fastify-gs: the handler of the hook ${String(name)} must be a function.`)
}
