import { webcrypto } from 'node:crypto'
import type { CryptoKey } from 'jose'
import type { KeyRing, VerifyKey } from '../keys/key-ring.ts'

export const ownSecret = Buffer.from('0123456789abcdef0123456789abcdef')

/** A ring with one secret, of which a test can say when it retires, and how it answers. */
export class OwnRing implements KeyRing {
  readonly algorithms = ['HS256'] as const
  /** How often `find` was asked. */
  asked = 0
  validUntil = Infinity
  /** What `find` waits for. */
  delay: Promise<void> | null = null
  readonly #key: CryptoKey

  private constructor(key: CryptoKey) {
    this.#key = key
  }

  static async make(): Promise<OwnRing> {
    return new OwnRing(await webcrypto.subtle.importKey('raw', ownSecret, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify']))
  }

  #at(now: number): VerifyKey | null {
    return now < this.validUntil ? { kid: 'own', alg: 'HS256', key: this.#key, validUntil: this.validUntil } : null
  }

  readonly find = (kid: string | undefined, now: number): VerifyKey | null | Promise<VerifyKey | null> => {
    this.asked += 1
    const found = kid === 'own' ? this.#at(now) : null
    return this.delay === null ? found : this.delay.then(() => found)
  }
  readonly signing = (now: number): VerifyKey | null => this.#at(now)
  readonly publicKeys = () => []
}
