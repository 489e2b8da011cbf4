/** Writes a value so that it stays data in one kind of text. */
export type Escape = (value: string) => string

export interface TextKind {
  readonly contentType: string
  readonly escape: Escape
}

const codeUnits = (character: string) => Array.from({ length: character.length }, (_, index) => character.charCodeAt(index))

/** All but a few harmless characters are escaped: what comes out is ASCII, which every encoding of a file can hold. */
const each =
  (escape: (character: string) => string): Escape =>
  (value) => {
    let text = ''
    for (const character of value) text += /[A-Za-z0-9_.@-]/.test(character) ? character : escape(character)
    return text
  }

/** For string and template literals of JavaScript, and for strings of JSON. */
const script = each((character) =>
  codeUnits(character)
    .map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`)
    .join('')
)
/** For text and attributes, quoted or not. */
const markup = each((character) => `&#${character.codePointAt(0)!};`)
/** For quoted strings; six digits, so that what follows is no part of the number. */
const style = each((character) => `\\${character.codePointAt(0)!.toString(16).padStart(6, '0')}`)
/** Nothing is special in plain text; control characters could only confuse. */
const plain: Escape = (value) => value.replace(/\p{Cc}/gu, ' ')

const utf8 = (type: string) => `${type}; charset=utf-8`
const kinds: Readonly<Record<string, TextKind>> = {
  '.js': { contentType: utf8('text/javascript'), escape: script },
  '.mjs': { contentType: utf8('text/javascript'), escape: script },
  '.json': { contentType: utf8('application/json'), escape: script },
  '.html': { contentType: utf8('text/html'), escape: markup },
  '.htm': { contentType: utf8('text/html'), escape: markup },
  '.xhtml': { contentType: utf8('application/xhtml+xml'), escape: markup },
  '.xml': { contentType: utf8('application/xml'), escape: markup },
  '.svg': { contentType: utf8('image/svg+xml'), escape: markup },
  '.css': { contentType: utf8('text/css'), escape: style },
  '.txt': { contentType: utf8('text/plain'), escape: plain }
}

/** The suffixes of files in which a value can be inserted safely. */
export const interpretableSuffixes: readonly string[] = Object.keys(kinds)

/** How values are inserted in files with this suffix. Null: nobody knows how to do that safely. */
export function textKind(suffix: string): TextKind | null {
  return Object.hasOwn(kinds, suffix) ? kinds[suffix]! : null
}
