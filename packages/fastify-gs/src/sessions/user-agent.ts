const longest = 512

/**
 * What a browser calls itself, for people to read: characters that a terminal or a line of text would obey are shown as their codes
 * (ASVS 1.3.3). At most 512 characters.
 */
export function readableUserAgent(userAgent: string): string {
  return userAgent
    .toWellFormed()
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`)
    .slice(0, longest)
    .toWellFormed()
}
