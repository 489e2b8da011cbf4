import { InvalidArgumentError, Option, type Command } from 'commander'

/** Which part of a long list is wanted. */
export interface Paging {
  readonly limit: number
  readonly after?: string
  readonly all?: boolean
}

const pageSize = 50
const largestPage = 500

/** Adds the options of a list. */
export function withPaging(command: Command): Command {
  return command
    .addOption(new Option('--limit <n>', 'how many at most').default(pageSize).argParser(wholeNumber(1, largestPage)).conflicts('all'))
    .option('--after <place>', 'go on where an earlier list ended')
    .option('--all', 'all of them')
}

/** An option that takes one of a few words. */
export function oneOf(flags: string, description: string, words: readonly string[]): Option {
  return new Option(flags, description).choices(words)
}

/** Parses an option's whole number. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = /^\d{1,9}$/.test(text) ? Number(text) : NaN
    if (!(number >= min && number <= max)) throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`)
    return number
  }
}

interface Page<Row> {
  readonly rows: readonly Row[]
  readonly next: string | null
}

/** One page, or with `--all` one after the other until the end. */
export async function collectPages<Row>(
  { limit, after, all }: Paging,
  read: (page: { limit: number; after?: string }) => Promise<Page<Row>>
): Promise<Page<Row>> {
  const rows: Row[] = []
  let place = after
  for (;;) {
    const page = await read({ limit: all ? largestPage : limit, ...(place !== undefined && { after: place }) })
    for (const row of page.rows) rows.push(row)
    if (!all || page.next === null) return { rows, next: page.next }
    place = page.next
  }
}
