/** The language of the texts as dates and numbers want it: pages also write `pt_BR`. Undefined, the browser's own: there is no such language. */
export function localeOf(language: string): string | undefined {
  try {
    return Intl.getCanonicalLocales(language.replaceAll('_', '-'))[0]
  } catch {
    return undefined
  }
}
