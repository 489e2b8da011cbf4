/** What stands in braces in a text, by name. */
export type TextValues = Readonly<Record<string, string | number>>

/** A text with its braces filled in; an unknown name stays as it is. */
export function fill(text: string, values: TextValues): string {
  return text.replace(/\{(\w+)\}/g, (braces, name: string) => String(values[name] ?? braces))
}
