import { close, constants, open, read } from 'node:fs'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { Interpreter, type SymbolTable } from './interpret.ts'

const openFile = promisify(open)
const longestChunk = 65_536
/** All links have been followed before; one that has taken the place of the file since was not looked at. */
const reading = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0)

/** One stream that reads and rewrites; two of them, one behind the other, cost twice as much for the usual small file. */
class InterpretedStream extends Readable {
  readonly #file: number
  readonly #interpreter: Interpreter
  readonly #chunkLength: number
  #reading = false
  #afterRead: (() => void) | undefined

  constructor(file: number, chunkLength: number, interpreter: Interpreter) {
    super()
    this.#file = file
    this.#chunkLength = chunkLength
    this.#interpreter = interpreter
  }

  override _read(): void {
    this.#readChunk()
  }

  #readChunk(): void {
    const chunk = Buffer.allocUnsafeSlow(this.#chunkLength)
    this.#reading = true
    read(this.#file, chunk, 0, chunk.length, null, (error, length) => {
      this.#reading = false
      if (this.#afterRead !== undefined) this.#afterRead()
      else if (error === null) this.#rewrite(chunk, length)
      else this.destroy(error)
    })
  }

  #rewrite(chunk: Buffer, length: number): void {
    const parts = length === 0 ? [] : this.#interpreter.push(chunk.subarray(0, length))
    // Only the end of a file gives less than there is room for; else another read would be needed to find out.
    const last = length < chunk.length
    if (last) parts.push(...this.#interpreter.end())
    const text = parts.length === 1 ? parts[0]! : Buffer.concat(parts)
    if (text.length > 0) this.push(text)
    if (last) this.push(null)
    else if (text.length === 0) this.#readChunk()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const end = () => close(this.#file, (closeError) => done(error ?? closeError))
    // The number of a closed file belongs to the next one that is opened, and a read that is still under way would read from that.
    if (this.#reading) this.#afterRead = end
    else end()
  }
}

/**
 * A file with its symbols replaced, as a stream of chunks; memory does not depend on the length of the file.
 *
 * @param length of the file, bytes: short ones are read at once
 * @param path with all links followed
 * @throws what `open` says, before anything is sent
 */
export async function openInterpreted(
  path: string,
  length: number,
  table: SymbolTable,
  values: ReadonlyMap<string, Buffer>
): Promise<Readable> {
  const file = await openFile(path, reading)
  return new InterpretedStream(file, Math.min(longestChunk, length + 1), new Interpreter(table, values))
}
