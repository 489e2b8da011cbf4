/** What stands in braces in a text, by name. */
export type TextValues = Readonly<Record<string, string | number>>

/** Hebrew, Arabic and their relatives. */
const rightToLeft = /[\u0590-\u08ff]/

/**
 * A text with its braces filled in; an unknown name stays as it is. A value of the other direction is isolated: otherwise `alice_.` in an Arabic
 * text would come apart.
 */
export function fill(text: string, values: TextValues): string {
  return text.replace(/\{(\w+)\}/g, (braces, name: string) => {
    const value = values[name]
    if (value === undefined) return braces
    return rightToLeft.test(text) !== rightToLeft.test(`${value}`) ? `\u2068${value}\u2069` : String(value)
  })
}
