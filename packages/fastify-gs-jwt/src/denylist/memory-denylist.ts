import type { Denylist } from './denylist.ts'

/** First version. */
export function memoryDenylist(): Denylist {
  const denials = new Map<string, { before: number; until: number }>()
  const keysOf = (token: object) => (['jti', 'sub', 'sid'] as const).map((name) => `${name}:${(token as Record<string, string>)[name]}`)
  return {
    deny(denial) {
      const name = (['jti', 'sub', 'sid'] as const).find((kind) => kind in denial)!
      const key = `${name}:${(denial as unknown as Record<string, string>)[name]}`
      const known = denials.get(key)
      denials.set(key, { before: Math.max(denial.before, known?.before ?? 0), until: Math.max(denial.until, known?.until ?? 0) })
    },
    deniedBefore(token, now) {
      let latest = 0
      for (const key of keysOf(token)) {
        const denial = denials.get(key)
        if (denial !== undefined && now < denial.until && denial.before > latest) latest = denial.before
      }
      return latest
    }
  }
}
