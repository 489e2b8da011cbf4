import ipaddr from 'ipaddr.js'
import { LRUCache } from 'lru-cache'

/** So many at once, and so many a second over time. */
export class TokenBucket {
  #left: number
  #at: number
  readonly #burst: number
  readonly #perSecond: number

  constructor(burst: number, perSecond: number, elapsed: number) {
    this.#burst = burst
    this.#perSecond = perSecond
    this.#left = burst
    this.#at = elapsed
  }

  /** @param elapsed ms, of a clock that nobody sets back */
  take(elapsed: number): boolean {
    this.#left = Math.min(this.#burst, this.#left + ((elapsed - this.#at) * this.#perSecond) / 1000)
    this.#at = elapsed
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}

/** Those who are counted together: an IPv4 address, or the /64 of an IPv6 one. */
export function addressGroup(ip: string): string {
  if (!ipaddr.isValid(ip)) return 'unknown'
  const address = ipaddr.process(ip)
  return address instanceof ipaddr.IPv6 ? address.parts.slice(0, 4).join(':') : address.toString()
}

/** How many there are of each key. */
export class Counts {
  readonly #of = new Map<string, number>()

  of(key: string): number {
    return this.#of.get(key) ?? 0
  }

  add(key: string): void {
    this.#of.set(key, this.of(key) + 1)
  }

  remove(key: string): void {
    const left = this.of(key) - 1
    if (left > 0) this.#of.set(key, left)
    else this.#of.delete(key)
  }
}

const hour = 3_600_000
/** Addresses that are remembered; of more than these, those that have been quiet longest are forgotten. */
const remembered = 100_000

/** So many in an hour for each key. */
export class HourlyLimit {
  readonly #limit: number
  readonly #windows = new LRUCache<string, { since: number; count: number }>({ max: remembered })

  constructor(limit: number) {
    this.#limit = limit
  }

  /** @param elapsed ms, of a clock that nobody sets back */
  take(key: string, elapsed: number): boolean {
    let window = this.#windows.get(key)
    if (window === undefined || elapsed - window.since >= hour) {
      window = { since: elapsed, count: 0 }
      this.#windows.set(key, window)
    }
    if (window.count >= this.#limit) return false
    window.count++
    return true
  }

  /** What was taken has come to nothing. */
  giveBack(key: string): void {
    const window = this.#windows.get(key)
    if (window !== undefined && window.count > 0) window.count--
  }
}
