import { parseAddress } from './next-path.ts'

/** What the server tells a page after a flow that ended in a redirect (`?gs=verified`), and the address without it; `null` when it tells nothing. */
export function takeNotice(pageAddress: string): { notice: string; address: string } | null {
  const url = parseAddress(pageAddress)
  const notice = url?.searchParams.get('gs')
  if (url === null || notice == null) return null
  url.searchParams.delete('gs')
  return { notice, address: url.pathname + url.search + url.hash }
}
