const notices = ['loggedin', 'loggedout', 'registered', 'verified', 'other', 'sent', 'forgot', 'changed', 'deleted'] as const

/** What the server tells a page after a flow that ended in a redirect (`?gs=verified`). */
export type PageNotice = (typeof notices)[number]

/** The notice in a page address, and the address without it; `null` when there is none. An unknown notice is removed and not shown. */
export function takeNotice(pageAddress: string): { notice: PageNotice | null; address: string } | null {
  if (!URL.canParse(pageAddress)) return null
  const url = new URL(pageAddress)
  const said = url.searchParams.get('gs')
  if (said === null) return null
  url.searchParams.delete('gs')
  return { notice: notices.find((notice) => notice === said) ?? null, address: url.pathname + url.search + url.hash }
}
