import { styleText } from 'node:util'
import stringWidth from 'string-width'
import { ExitCode } from './cli-error.ts'

/** Controls, directions and other invisible characters, halves of characters: they could rewrite what the terminal shows. */
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/** Text of the database as it may be shown on a terminal: what cannot be seen stands there as its code. */
function printable(text: string): string {
  return text.replace(unprintable, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`)
}

/** A line for the person or program that reads stdout. */
export function printLine(text: string): void {
  process.stdout.write(`${printable(text)}\n`)
}

/** A line that belongs to no result: progress, hints, errors. */
export function note(text: string): void {
  process.stderr.write(`${printable(text)}\n`)
}

/** The whole answer as one JSON document, in ASCII, because it may end on a terminal as well. */
export function printJson(value: unknown): void {
  const json = JSON.stringify(value, null, 2)
  process.stdout.write(`${json.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`)
}

export interface Column<Row> {
  readonly title: string
  readonly value: (row: Row) => string
  /** Longer values are cut after so many columns of the terminal. Default: not cut. */
  readonly max?: number
}

/** A table whose columns stand below one another, whatever script they are in. */
export function printTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): void {
  const cells = rows.map((row) => columns.map(({ value, max }) => cut(printable(value(row)), max)))
  const titles = columns.map(({ title }) => title)
  const widths = titles.map((title, index) => cells.reduce((width, line) => Math.max(width, stringWidth(line[index]!)), stringWidth(title)))
  const layOut = (line: readonly string[]) =>
    line
      .map((cell, index) => pad(cell, widths[index]!))
      .join('  ')
      .trimEnd()
  const lines = [styleText('bold', layOut(titles), { stream: process.stdout }), ...cells.map(layOut)]
  process.stdout.write(`${lines.join('\n')}\n`)
}

/** What is known about one thing, a line each. */
export function printFields(fields: readonly (readonly [name: string, value: string])[]): void {
  const width = Math.max(...fields.map(([name]) => name.length))
  for (const [name, value] of fields) printLine(`${name.padEnd(width)}  ${value}`)
}

const pad = (cell: string, width: number) => cell + ' '.repeat(width - stringWidth(cell))

function cut(text: string, max = Infinity): string {
  if (stringWidth(text) <= max) return text
  let kept = ''
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (stringWidth(kept + segment) >= max) break
    kept += segment
  }
  return `${kept}…`
}

/** Tells a person at a terminal how far something long has come; each text takes the place of the one before, an empty one clears it. */
export function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${printable(text)}\u001B[K`)
}

/** A time in UTC, to the minute. */
export const formatTime = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace('T', ' ')

/** The reader of a pipe may go before the end (`gs user list | head`); what the command does in the database is done all the same. */
export function survivePipeEnd(): void {
  process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE') return
    note(`gs: The answer could not be written (${message}); what the command does in the database is done all the same.`)
    process.exitCode = ExitCode.failed
  })
  // Nobody is left who could be told.
  process.stderr.on('error', () => undefined)
}
