/**
 * A path of our own origin to which a visitor may be sent, or null. Browsers read `\` as `/` and drop tabs and line breaks, so that
 * what looks like a path can be another host; therefore it is parsed as a browser does and must come out as ours.
 */
export function returnPath(wanted: unknown, origin: string): string | null {
  if (typeof wanted !== 'string' || wanted.length > 2048 || !wanted.startsWith('/')) return null
  if (/[\p{Cc}\\]/u.test(wanted) || wanted.startsWith('//') || !URL.canParse(wanted, origin)) return null
  const url = new URL(wanted, origin)
  if (url.origin !== origin || url.pathname.startsWith('//')) return null
  return url.pathname + url.search + url.hash
}
