// The package is CommonJS in a form whose names Node does not see.
// oxlint-disable-next-line import/default
import jsonc, { type Node, type ParseError } from 'jsonc-parser'

/** Where something stands: for sentences that name it. */
export interface LwswsPlace {
  readonly file: string
  /** From 1. */
  readonly line: number
}

export interface LwswsMember extends LwswsPlace {
  readonly key: string
  readonly value: LwswsNode
}

/** A value with its place; of an object all members, in their order, repeated ones too. */
export type LwswsNode = LwswsPlace &
  (
    | { readonly type: 'object'; readonly members: readonly LwswsMember[] }
    | { readonly type: 'array'; readonly items: readonly LwswsNode[] }
    | { readonly type: 'string'; readonly value: string }
    /** `raw`: as written, because 1e3 and 1.0 are not what they seem to those who count digits. */
    | { readonly type: 'number' | 'boolean' | 'null'; readonly raw: string }
  )

export type LwswsObject = Extract<LwswsNode, { type: 'object' }>

/** A string, ended or cut off by the end of its line, or a comment. */
const stringOrComment = /"[^"\\\n\r]*(?:\\.[^"\\\n\r]*)*"?|#[^\n]*/g

/** Replaces `#` comments, which end with the line, by as many spaces; a `#` inside a string is no comment. */
export function blankComments(text: string): string {
  return text.replace(stringOrComment, (found) => (found.startsWith('#') ? ' '.repeat(found.length) : found))
}

const sentences: Readonly<Record<string, string>> = {
  InvalidSymbol: 'there is a word without quotes; write texts in double quotes',
  InvalidNumberFormat: 'there is a number that cannot be read; write it in double quotes',
  PropertyNameExpected: 'the name of a key is missing here; remove a comma that has nothing after it, or write the key in double quotes',
  ValueExpected: 'a value is missing here; remove a comma that has nothing after it, or write the value',
  ColonExpected: 'a colon between key and value is missing',
  CommaExpected: 'a comma is missing before this',
  CloseBraceExpected: 'a closing brace } is missing',
  CloseBracketExpected: 'a closing bracket ] is missing',
  EndOfFileExpected: 'something follows the end of the JSON object; remove it, or put it into a file of its own',
  InvalidCommentToken: 'there is a comment with // or /*; begin comments with #',
  UnexpectedEndOfComment: 'there is a comment with /* that does not end; begin comments with #',
  UnexpectedEndOfString: 'a text has no closing quote',
  UnexpectedEndOfNumber: 'there is a number that cannot be read; write it in double quotes',
  InvalidUnicode: String.raw`a \u code is not followed by four hexadecimal digits`,
  InvalidEscapeCharacter: 'there is a backslash before a character that needs none; write two backslashes for one',
  InvalidCharacter: String.raw`there is a control character in a text; write it as a code like \u0009, or remove it`
}

/** A file's JSON, or what is wrong with it: a sentence without its end. */
export type LwswsParsed = { readonly root: LwswsNode } | { readonly line: number; readonly wrong: string }

/** Parses what lwsws reads: JSON with `#` comments. Throws nothing. */
export function parseLwswsJson(file: string, text: string): LwswsParsed {
  try {
    return parse(file, blankComments(text).replace(/^\uFEFF/, ' '))
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return { line: 1, wrong: 'it is nested too deeply to be a configuration' }
  }
}

function parse(file: string, text: string): LwswsParsed {
  const errors: ParseError[] = []
  const tree = jsonc.parseTree(text, errors, { disallowComments: true, allowTrailingComma: false })
  const lineOf = createLineCounter(text)
  const [error] = errors
  if (error !== undefined) {
    const wrong = sentences[jsonc.printParseErrorCode(error.error)] ?? 'this is no JSON'
    return { line: lineOf(error.offset), wrong }
  }
  return { root: convert(tree!, file, text, lineOf) }
}

/** Lines of growing offsets, in one pass over the text. */
function createLineCounter(text: string): (offset: number) => number {
  let line = 1
  let next = text.indexOf('\n')
  return (offset) => {
    while (next >= 0 && next < offset) {
      line += 1
      next = text.indexOf('\n', next + 1)
    }
    return line
  }
}

function convert(node: Node, file: string, text: string, lineOf: (offset: number) => number): LwswsNode {
  const place = { file, line: lineOf(node.offset) }
  const children = node.children ?? []
  switch (node.type) {
    case 'object':
      return {
        ...place,
        type: 'object',
        members: children.map((property) => {
          const [key, value] = property.children as [Node, Node]
          return { file, line: lineOf(key.offset), key: key.value as string, value: convert(value, file, text, lineOf) }
        })
      }
    case 'array':
      return { ...place, type: 'array', items: children.map((item) => convert(item, file, text, lineOf)) }
    case 'string':
      return { ...place, type: 'string', value: node.value as string }
    default:
      return { ...place, type: node.type as 'number' | 'boolean' | 'null', raw: text.slice(node.offset, node.offset + node.length) }
  }
}
