import { isName } from '../protocol.ts'
import type { ClientOptions } from './client-types.ts'

/** A message on its way. */
export interface Item {
  readonly kind: 'message' | 'ask'
  /** Number on the link; 0: it has never been sent; -1: it was, on a former link. */
  n: number
  /** The frame after its number, JSON. */
  readonly tail: string
  readonly size: number
}

export type OutboxLimits = Pick<ClientOptions, 'maxBuffered' | 'maxBufferedBytes' | 'maxFrame' | 'framesPerSecond'>

export interface Outbox {
  readonly items: readonly Item[]
  /** Number of the last one that the server has handled. */
  readonly handled: number
  readonly writable: boolean
  /** @throws {TypeError | RangeError} */
  add(kind: Item['kind'], event: string, args: readonly unknown[]): Item
  /** Takes one back that has not been sent on this link. */
  remove(item: Item): void
  /** Everything up to this number has been handled. */
  acknowledge(n: number): void
  /** There is a connection in session: sends everything again that is not handled, and whatever is added, as fast as the server takes it. */
  start(write: (frame: string) => void): void
  stop(): void
  /** Whether the server takes one more frame now. */
  spare(): boolean
  /** Begins to count anew. Gives how many of these have been sent before. */
  renumber(): number
  /** Removes those that have been sent, or all; gives them. */
  takeOut(all: boolean): Item[]
}

/** Keeps messages until the server has handled them. */
export function createOutbox(limits: OutboxLimits, tell: (event: 'drain' | 'handled') => void): Outbox {
  const { maxBuffered = 1000, maxBufferedBytes = 1_048_576, maxFrame = 65_536, framesPerSecond = 75 } = limits
  let items: Item[] = []
  let bytes = 0
  let last = 0
  let handled = 0
  /** How many of the items this connection has been given. */
  let given = 0
  let full = false
  let write: ((frame: string) => void) | null = null
  let allowance = framesPerSecond
  let filledAt = 0
  let timer: ReturnType<typeof setTimeout> | undefined

  const hasRoom = (size: number) => items.length < maxBuffered && bytes + size <= maxBufferedBytes

  function keep(isKept: (item: Item) => boolean): Item[] {
    const out = items.filter((item) => !isKept(item))
    given -= items.slice(0, given).filter((item) => !isKept(item)).length
    items = items.filter(isKept)
    for (const { size } of out) bytes -= size
    if (out.length) tell('handled')
    if (full && hasRoom(maxFrame)) {
      full = false
      tell('drain')
    }
    return out
  }

  /** The server closes connections that are too quick. A clock that is set back fills nothing. */
  function spare(): boolean {
    const now = Date.now()
    allowance = Math.min(framesPerSecond, allowance + (Math.max(0, now - filledAt) * framesPerSecond) / 1000)
    filledAt = now
    return allowance >= 1 && !!allowance--
  }

  function pump(): void {
    clearTimeout(timer)
    while (write && given < items.length) {
      if (!spare()) {
        // What was buffered goes out slowly.
        timer = setTimeout(pump, 100)
        return
      }
      const item = items[given++]!
      if (item.n < 1) item.n = ++last
      write(`["${item.kind}",${item.n},${item.tail}`)
    }
  }

  return {
    get items() {
      return items
    },
    get handled() {
      return handled
    },
    get writable() {
      return hasRoom(maxFrame)
    },
    add(kind, event, args) {
      if (!isName(event)) throw new TypeError(`No name: ${String(event)}`)
      const tail = JSON.stringify([event, ...args]).slice(1)
      const size = new TextEncoder().encode(tail).length + 32
      if (size > maxFrame || args.length > 60) throw new RangeError(`Too large: ${event}`)
      if (!hasRoom(size)) {
        full = true
        throw new RangeError('Too many messages wait')
      }
      const item = { kind, n: 0, tail, size }
      bytes += size
      items.push(item)
      pump()
      return item
    },
    remove: (item) => void keep((other) => other !== item),
    acknowledge(n) {
      handled = Math.max(handled, n)
      keep((item) => item.n < 1 || item.n > n)
    },
    start(send) {
      write = send
      given = 0
      pump()
    },
    stop() {
      write = null
      clearTimeout(timer)
    },
    spare,
    renumber() {
      last = handled = given = 0
      const { length } = items.filter(({ n }) => n)
      for (const item of items) item.n &&= -1
      return length
    },
    takeOut: (all) => keep((item) => !all && item.n === 0)
  }
}
