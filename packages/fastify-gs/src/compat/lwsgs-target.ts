import { returnPath } from '../sessions/return-path.ts'

/**
 * Where a form sends the browser, as a path of the own origin; null: somewhere else, or nowhere. Resolved as a browser resolves
 * `Location`, relative to `base`, the path of the request. No control character passes, so none reaches a header.
 *
 * @param urlroot put before the target if not null; without slash at its end
 */
export function formTarget(wanted: string, base: string, origin: string, urlroot: string | null): string | null {
  // Browsers drop tabs and line breaks, and read \ as /, so that what looks like a path can be another host.
  if (wanted.length > 2048 || /[\p{Cc}\\]/u.test(wanted) || /^ *\/\//.test(wanted)) return null
  const text = urlroot === null || URL.canParse(wanted) ? wanted : `${urlroot}/${wanted.replace(/^ *\/?/, '')}`
  if (!URL.canParse(text, origin + base)) return null
  const url = new URL(text, origin + base)
  return url.origin === origin ? returnPath(url.pathname + url.search + url.hash, origin) : null
}
