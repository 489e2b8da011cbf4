import type { Denial } from '../denylist/denylist.ts'
import type { LiveJwt } from './live-jwts.ts'

const kinds = ['jti', 'sub', 'sid'] as const

/** The live tokens by what denials name. */
export class LiveIndex {
  readonly #byKind = { jti: new Map<string, Set<LiveJwt>>(), sub: new Map<string, Set<LiveJwt>>(), sid: new Map<string, Set<LiveJwt>>() }

  add(live: LiveJwt): void {
    for (const kind of kinds) {
      const value = live.jwt[kind]
      if (value === undefined) continue
      const known = this.#byKind[kind].get(value)
      if (known === undefined) this.#byKind[kind].set(value, new Set([live]))
      else known.add(live)
    }
  }

  delete(live: LiveJwt): void {
    for (const kind of kinds) {
      const value = live.jwt[kind]
      const known = value === undefined ? undefined : this.#byKind[kind].get(value)
      if (known?.delete(live) === true && known.size === 0) this.#byKind[kind].delete(value!)
    }
  }

  /** Those that a denial names, whenever they were issued. */
  named(denial: Denial): readonly LiveJwt[] {
    const set =
      'jti' in denial
        ? this.#byKind.jti.get(denial.jti)
        : 'sub' in denial
          ? this.#byKind.sub.get(denial.sub)
          : this.#byKind.sid.get(denial.sid)
    return [...(set ?? [])]
  }
}
