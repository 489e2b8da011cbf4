import type { LinkNumbers } from './live-sessions-types.ts'

/** Of how many links a session keeps the numbers. */
export const mostLinks = 64
/** For how long after the last message, ms. */
const longest = 7 * 24 * 3_600_000

type Entry = readonly [n: number, at: number, givenUp?: 1]
type Stored = ReadonlyMap<string, Entry>

/** Which messages of which links have effects in the data of a session, as the store has it. */
export class StoredLinks {
  readonly #links: Stored

  constructor(links: Stored = new Map()) {
    this.#links = links
  }

  static parse(text: string): StoredLinks {
    const links = new Map<string, Entry>()
    for (const [link, value] of Object.entries(JSON.parse(text) as Record<string, unknown>)) {
      if (!Array.isArray(value)) continue
      const [n, at, givenUp] = value as unknown[]
      if (Number.isSafeInteger(n) && Number.isSafeInteger(at))
        links.set(link, givenUp === 1 ? [n as number, at as number, 1] : [n as number, at as number])
    }
    return new StoredLinks(links)
  }

  of(link: string): number {
    return this.#links.get(link)?.[0] ?? 0
  }

  /** Its client has gone on without it: messages with larger numbers have no effect any more. */
  isGivenUp(link: string): boolean {
    return this.#links.get(link)?.[2] === 1
  }

  [Symbol.iterator]() {
    return this.#links[Symbol.iterator]()
  }

  /** With larger numbers; null: none of these is larger. */
  with(numbers: LinkNumbers, now: number): StoredLinks | null {
    const larger = Array.from(numbers).filter(([link, n]) => n > this.of(link) && !this.isGivenUp(link))
    if (larger.length === 0) return null
    const links = new Map(this.#links)
    for (const [link, n] of larger) links.set(link, [n, now])
    return StoredLinks.#newest(links, now)
  }

  /** With this link given up at the number that it has, or at `n` if that is larger. */
  without(link: string, n: number, now: number): StoredLinks {
    return StoredLinks.#newest(new Map(this.#links).set(link, [Math.max(n, this.of(link)), now, 1]), now)
  }

  static #newest(links: Stored, now: number): StoredLinks {
    const kept = Array.from(links).filter(([, [, at]]) => at > now - longest)
    return new StoredLinks(new Map(kept.toSorted(([, [, one]], [, [, other]]) => other - one).slice(0, mostLinks)))
  }

  toString(): string {
    return JSON.stringify(Object.fromEntries(this.#links))
  }
}
