import { createRemoteJWKSet, customFetch, type JWK } from 'jose'
import { JwtUnavailableError } from '../errors.ts'
import { fitsAlgorithm, isJwsAlgorithm, isSymmetric, jwsAlgorithms, type JwsAlgorithm } from './algorithms.ts'
import { importKey, isSecretJwk } from './import-key.ts'
import type { KeyRing, VerifyKey } from './key-ring.ts'
import { isKid, refuseOption } from './key-source.ts'

/** How the keys are asked for; `globalThis.fetch` can. */
export type FetchKeys = (
  url: string,
  init: { readonly method: 'GET'; readonly headers: Headers; readonly redirect: 'manual'; readonly signal: AbortSignal }
) => Promise<Response>

/** Options of `remoteKeys`. */
export interface RemoteKeysOptions {
  /** Where the issuer publishes its keys (a JWKS): `https:`, or `http:` on this machine. Redirects are not followed. */
  readonly url: string | URL
  /** The algorithm of its keys, or several. Never HS, whose keys cannot be published. Keys of the set that are for others are not used. */
  readonly alg: JwsAlgorithm | readonly JwsAlgorithm[]
  /** Seconds that the set is used before it is asked for again; a key that was taken out of it verifies as long at most. Default: 600. */
  readonly cacheFor?: number
  /**
   * Seconds between two requests at least, whatever tokens name; 5 after one that failed. At most `cacheFor`. Default: 30.
   */
  readonly cooldown?: number
  /** Seconds that a set is used beyond `cacheFor` while the issuer cannot be reached. Default: 3600; at most a day. */
  readonly staleFor?: number
  /** Seconds that an answer may take. Default: 5. */
  readonly timeout?: number
  /** Default: `globalThis.fetch`. */
  readonly fetch?: FetchKeys
}

const maxBytes = 262_144
const maxKeys = 100
/** Ms after which an issuer that could not be reached is asked again. */
const retryAfter = 5000
/** Ms during which an issuer that could not be reached is not waited for. */
const recently = 60_000

const isLoopback = (host: string) => host === 'localhost' || host === '[::1]' || /^127(\.\d+){3}$/.test(host)

function addressOf(given: unknown): URL {
  const text = given instanceof URL ? given.href : given
  if (typeof text !== 'string' || !URL.canParse(text))
    refuseOption('the option url of remoteKeys() must be an address like https://example.com/.well-known/jwks.json.')
  const url = new URL(text)
  if (url.username !== '' || url.password !== '')
    refuseOption('the option url of remoteKeys() must not have a user name or a password in it.')
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname)))
    refuseOption(
      'the option url of remoteKeys() must begin with https:, because whoever can change the answer on its way could sign tokens.'
    )
  return url
}

function seconds(name: string, value: unknown, least: number, most: number): number {
  if (typeof value !== 'number' || !(value >= least && value <= most))
    refuseOption(`the option ${name} of remoteKeys() must be ${least} to ${most} seconds.`)
  return Math.ceil(value * 1000)
}

const known = ['url', 'alg', 'cacheFor', 'cooldown', 'staleFor', 'timeout', 'fetch']

function resolve(given: RemoteKeysOptions) {
  if (typeof given !== 'object' || given === null) refuseOption('remoteKeys() needs an object with url and alg.')
  const unknown = Object.keys(given).find((name) => !known.includes(name))
  if (unknown !== undefined) refuseOption(`the option ${unknown} of remoteKeys() is not known; known are ${known.join(', ')}.`)
  const algs: readonly unknown[] = Array.isArray(given.alg) ? given.alg : [given.alg]
  const usable = algs.filter((alg) => isJwsAlgorithm(alg)).filter((alg) => !isSymmetric(alg))
  if (usable.length === 0 || usable.length < algs.length)
    refuseOption(`the option alg of remoteKeys() must be one or several of ${jwsAlgorithms.filter((alg) => !isSymmetric(alg)).join(', ')}.`)
  if (given.fetch !== undefined && typeof given.fetch !== 'function')
    refuseOption('the option fetch of remoteKeys() must be a function like globalThis.fetch.')
  const cacheFor = seconds('cacheFor', given.cacheFor ?? 600, 1, 86_400)
  return {
    url: addressOf(given.url),
    algs: [...new Set(usable)],
    cacheFor,
    cooldown: seconds('cooldown', given.cooldown ?? Math.min(30, cacheFor / 1000), 1, cacheFor / 1000),
    staleFor: seconds('staleFor', given.staleFor ?? 3600, 0, 86_400),
    timeout: seconds('timeout', given.timeout ?? 5, 0.01, 60),
    fetch: given.fetch ?? ((url, init) => globalThis.fetch(url, init))
  }
}

/** An answer of bounded size, in bounded time, also when `fetch` does not look at the signal. */
function boundedFetch(fetch: FetchKeys): FetchKeys {
  return async (url, init) => {
    const late = new Promise<never>((_resolve, reject) => {
      init.signal.addEventListener('abort', () => reject(init.signal.reason as Error), { once: true })
    })
    const load = async () => {
      const response = await fetch(url, init)
      if (response.status !== 200) {
        await response.body?.cancel()
        throw new Error(`The answer has the status ${response.status}, not 200.`)
      }
      const chunks: Uint8Array[] = []
      let length = 0
      // Leaving the loop closes the connection.
      for await (const chunk of response.body ?? []) {
        length += chunk.byteLength
        if (length > maxBytes) throw new Error(`The answer is larger than ${maxBytes} bytes.`)
        chunks.push(chunk)
      }
      return new Response(Buffer.concat(chunks), { status: 200 })
    }
    return Promise.race([load(), late])
  }
}

/** The keys of a set that can be used, by their names. What is for something else, is secret, or has no name or that of another, is not. */
async function usableKeys(
  jwks: readonly JWK[],
  algs: readonly JwsAlgorithm[],
  validUntil: number
): Promise<ReadonlyMap<string, VerifyKey>> {
  const keys = new Map<string, VerifyKey>()
  const ambiguous = new Set<string>()
  for (const jwk of jwks.slice(0, maxKeys)) {
    const fitting = algs.filter((alg) => fitsAlgorithm(alg, jwk) && (jwk.alg === undefined || jwk.alg === alg))
    // A key that does not name its algorithm has the one that is possible, if there is one only.
    if (fitting.length !== 1 || isSecretJwk(jwk) || !isKid(jwk.kid)) continue
    const [alg] = fitting as [JwsAlgorithm]
    const imported = await importKey(jwk, { name: 'a key of the set', defaultAlg: alg }).catch(() => null)
    if (imported === null) continue
    if (keys.has(jwk.kid)) ambiguous.add(jwk.kid)
    keys.set(jwk.kid, Object.freeze({ kid: jwk.kid, alg, key: imported.verifying, validUntil }))
  }
  for (const kid of ambiguous) keys.delete(kid)
  return keys
}

/** A set that was fetched. */
interface FetchedSet {
  readonly keys: ReadonlyMap<string, VerifyKey>
  /** Ms since 1970: when it was asked for, when it has to be asked for again, and until when it is used if that fails. */
  readonly from: number
  readonly freshUntil: number
  readonly usableUntil: number
}

/** The set of an issuer, and how it is doing. */
class RemoteSet {
  readonly #fetchSet: (now: number) => Promise<FetchedSet>
  readonly #cooldown: number
  #set: FetchedSet | null = null
  /** When the last request began, ms since 1970. */
  #triedAt = -Infinity
  /** Of the last request. */
  #failure: JwtUnavailableError | null = null
  #running: Promise<void> | null = null

  /** @param cooldown ms */
  constructor(cooldown: number, fetchSet: (now: number) => Promise<FetchedSet>) {
    this.#cooldown = cooldown
    this.#fetchSet = fetchSet
  }

  /** Never of a token without `kid`: keys of others come and go. */
  find(kid: string | undefined, now: number): VerifyKey | null | Promise<VerifyKey | null> {
    if (kid === undefined) return null
    // A clock that was set back must not make a set last longer.
    if (now < this.#triedAt) this.#triedAt = -Infinity
    const set = this.#set
    if (set !== null && set.from <= now && now < set.freshUntil) {
      const key = set.keys.get(kid)
      if (key !== undefined) return key
      return this.#running === null && this.#cooling(now) ? this.#absent() : this.#ask(kid, now)
    }
    // Who waits, waits for an issuer that may be there; if it was not a moment ago, somebody else finds out whether it is again.
    if (this.#failure !== null && now - this.#triedAt < recently) {
      if (this.#usable(now)) {
        if (!this.#cooling(now)) void this.#refresh(now)
        return this.#stale(kid, now)
      }
      if (this.#running === null && this.#cooling(now)) throw this.#failure
    }
    return this.#ask(kid, now)
  }

  async #ask(kid: string, now: number): Promise<VerifyKey | null> {
    await this.#refresh(now)
    if (this.#failure === null) return this.#set?.keys.get(kid) ?? null
    if (this.#usable(now)) return this.#stale(kid, now)
    throw this.#failure
  }

  /** One request at a time; those who come meanwhile wait for the same. Does not reject. */
  #refresh(now: number): Promise<void> {
    this.#running ??= this.#fetch(now)
    return this.#running
  }

  async #fetch(now: number): Promise<void> {
    this.#triedAt = now
    try {
      this.#set = await this.#fetchSet(now)
      this.#failure = null
    } catch (error) {
      this.#failure = error as JwtUnavailableError
    } finally {
      this.#running = null
    }
  }

  #cooling(now: number): boolean {
    return now < this.#triedAt + this.#pause()
  }

  /** Ms between two requests. */
  #pause(): number {
    return this.#failure === null ? this.#cooldown : Math.min(this.#cooldown, retryAfter)
  }

  #usable(now: number): boolean {
    return this.#set !== null && this.#set.from <= now && now < this.#set.usableUntil
  }

  /** A key that the set has not: perhaps the issuer has made it since, if the last request failed. */
  #absent(): null {
    if (this.#failure !== null) throw this.#failure
    return null
  }

  #stale(kid: string, now: number): VerifyKey | null {
    const key = this.#set?.keys.get(kid)
    if (key === undefined) return this.#absent()
    return { ...key, validUntil: Math.min(Math.max(now, this.#triedAt + this.#pause()), this.#set!.usableUntil) }
  }
}

/**
 * The keys of another service, for verifying its tokens: those that it publishes under an address. The set is fetched when the first token
 * comes, and kept. A token can only name a key of the set; it has no influence on the address, and none on the algorithm.
 *
 * While the issuer cannot be reached and there is no set that may be used, asking for a key throws `JwtUnavailableError`: nobody is let in, and
 * no token is called wrong.
 *
 * @throws {JwtOptionError} an option is wrong
 */
export function remoteKeys(options: RemoteKeysOptions): KeyRing {
  const { url, algs, cacheFor, cooldown, staleFor, timeout, fetch } = resolve(options)
  const jwks = createRemoteJWKSet(url, { timeoutDuration: timeout, [customFetch]: boundedFetch(fetch) })
  const fetchSet = async (now: number): Promise<FetchedSet> => {
    try {
      await jwks.reload()
    } catch (error) {
      throw new JwtUnavailableError(`The keys of ${url.origin}${url.pathname} cannot be fetched.`, { cause: error })
    }
    const freshUntil = now + cacheFor
    return { keys: await usableKeys(jwks.jwks()?.keys ?? [], algs, freshUntil), from: now, freshUntil, usableUntil: freshUntil + staleFor }
  }
  const set = new RemoteSet(cooldown, fetchSet)
  return Object.freeze({
    algorithms: Object.freeze(algs),
    find: (kid: string | undefined, now: number) => set.find(kid, now),
    // Keys of others sign nothing, and are published by them.
    signing: () => null,
    publicKeys: () => []
  })
}
