/** Controls, directions and other invisible characters, halves of characters. */
const invisible = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/** Text of a stranger for the lists of people: what cannot be seen stands there as its code, like `\u{1b}` (ASVS 1.3.3). */
export function visible(text: string): string {
  return text.replace(invisible, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`)
}
