/** The name in a Host header, without port and in lower case; '' when there is none. */
export function hostName(host: string | undefined): string {
  if (host === undefined) return ''
  const bracketed = /^\[([^\]]*)\]/.exec(host)?.[1]
  return (bracketed ?? host.replace(/:\d*$/, '')).toLowerCase().replace(/\.$/, '')
}

/**
 * Who answers for a name: the one that has exactly it, then the one whose name (or `*.name`) it ends in, the longest of them, then the
 * first of all.
 */
export function chooseByName<Named extends { readonly name: string }>(all: readonly Named[], host: string): Named | undefined {
  const exact = all.find(({ name }) => name.toLowerCase() === host)
  if (exact !== undefined) return exact
  let best: Named | undefined
  let length = 0
  for (const one of all) {
    const suffix = `.${one.name.toLowerCase().replace(/^\*\./, '')}`
    if (!host.endsWith(suffix) || suffix.length <= length) continue
    best = one
    length = suffix.length
  }
  return best ?? all[0]
}
