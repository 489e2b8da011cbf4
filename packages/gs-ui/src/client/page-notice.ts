/** What the server tells a page after a flow that ended in a redirect (`?gs=verified`), and the address without it; `null` when it tells nothing. */
export function takeNotice(pageAddress: string): { notice: string; address: string } | null {
  if (!URL.canParse(pageAddress)) return null
  const url = new URL(pageAddress)
  const notice = url.searchParams.get('gs')
  if (notice === null) return null
  url.searchParams.delete('gs')
  return { notice, address: url.pathname + url.search + url.hash }
}
