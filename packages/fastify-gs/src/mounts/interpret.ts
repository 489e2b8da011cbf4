const dollar = 0x24

/** Symbols prepared for searching; made once. */
export type SymbolTable = readonly { readonly name: string; readonly bytes: Buffer }[]

/** @param names as they stand in the files, each with its `$` */
export function createSymbolTable(names: readonly string[]): SymbolTable {
  return names.map((name) => ({ name, bytes: Buffer.from(name) })).toSorted((a, b) => b.bytes.length - a.bytes.length)
}

/**
 * Replaces symbols in a text that comes in chunks, in one pass: inserted values are never looked at again, everything else goes through
 * byte by byte. A symbol is found wherever the chunks are cut; less than its length is held back. Where one symbol begins with another
 * the longer one counts; what follows a symbol does not matter (`$lwsgs_userX` is the name and an X).
 */
export class Interpreter {
  readonly #table: SymbolTable
  readonly #values: ReadonlyMap<string, Buffer>
  #held: Buffer = Buffer.alloc(0)

  /** @param values the escaped value of each symbol of the table */
  constructor(table: SymbolTable, values: ReadonlyMap<string, Buffer>) {
    this.#table = table
    this.#values = values
  }

  /** What can be said of the text up to and including this chunk. */
  push(chunk: Buffer): Buffer[] {
    return this.#scan(this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]), false)
  }

  /** What was held back. */
  end(): Buffer[] {
    return this.#scan(this.#held, true)
  }

  #scan(text: Buffer, last: boolean): Buffer[] {
    const out: Buffer[] = []
    let done = 0
    let at = text.indexOf(dollar)
    while (at >= 0) {
      const found = this.#match(text, at, last)
      if (found === 'more') break
      if (found !== null) {
        if (at > done) out.push(text.subarray(done, at))
        out.push(this.#values.get(found.name)!)
        done = at + found.bytes.length
      }
      at = text.indexOf(dollar, found === null ? at + 1 : done)
    }
    const end = at >= 0 ? at : text.length
    if (end > done) out.push(text.subarray(done, end))
    // A copy: the rest of the chunk must not be kept for the sake of a few bytes.
    this.#held = at >= 0 ? Buffer.from(text.subarray(at)) : Buffer.alloc(0)
    return out
  }

  /** The longest symbol at this place; 'more': a longer one may still begin here. */
  #match(text: Buffer, at: number, last: boolean): SymbolTable[number] | 'more' | null {
    const left = text.length - at
    for (const symbol of this.#table) {
      const { length } = symbol.bytes
      if (left >= length) {
        if (symbol.bytes.compare(text, at, at + length) === 0) return symbol
      } else if (!last && symbol.bytes.compare(text, at, text.length, 0, left) === 0) return 'more'
    }
    return null
  }
}
