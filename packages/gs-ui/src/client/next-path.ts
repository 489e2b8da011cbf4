import type { SessionInfo } from './session-info.ts'

/**
 * Where the page address asks to go after login (`?next=/somewhere`): an address of the same origin, else `null`.
 *
 * The browser's own parser decides what is the same origin, because it is the one that will navigate: it knows about
 * `//host`, `/\host`, tabs inside schemes and the rest. The whole address is returned, not its path, since a path such as
 * `/.//host` parses to `//host`, which would be another host the second time.
 */
export function nextAddress(pageAddress: string): string | null {
  const page = parseAddress(pageAddress)
  if (page === null || !/^https?:$/.test(page.protocol)) return null
  const asked = page.searchParams.getAll('next')
  const path = asked[0]
  if (asked.length !== 1 || path === undefined || path.length > 2048) return null
  if (!/^\/(?![/\\])/.test(path) || path.includes('\\') || hasControls(path)) return null
  const target = parseAddress(path, page.origin)
  if (target === null || target.origin !== page.origin || target.pathname.startsWith('//')) return null
  return target.href
}

/** Goes there, unless a new password has to be chosen before. */
export function goOn({ mustChangePassword }: SessionInfo): void {
  const next = mustChangePassword ? null : nextAddress(location.href)
  if (next !== null) location.assign(next)
}

/** The address, read as the browser reads it, or `null`. */
export function parseAddress(address: string, base?: string): URL | null {
  return URL.canParse(address, base) ? new URL(address, base) : null
}

function hasControls(value: string): boolean {
  return Array.from(value).some((character) => character < ' ' || character === '\u007f')
}
