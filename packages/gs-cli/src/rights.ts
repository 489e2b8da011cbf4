import type { AuthLevel } from 'fastify-gs'
import { usageError } from './cli-error.ts'

/** The type holds the values: they are here a second time so that the help need not load the server. */
const levels: typeof AuthLevel = {
  none: 0,
  anonymous: 1,
  'logged-in': 2,
  user: 10,
  customer: 20,
  staff: 30,
  moderator: 40,
  admin: 50,
  root: 100,
  nobody: 125
}

/** The first and the last of the mask's bits that belong to the site. */
const firstSector = 4
const lastSector = 31

/** How a level is called, or its number. */
export function levelName(level: number): string {
  return Object.entries(levels).find(([, value]) => value === level)?.[0] ?? String(level)
}

/**
 * A level by name or number.
 *
 * @throws {CliError} there is no such level
 */
export function parseLevel(text: string): number {
  if (/^\d{1,3}$/.test(text)) return Number(text)
  const level = Object.entries(levels).find(([name]) => name === text)?.[1]
  if (level === undefined)
    throw usageError(`There is no level ${JSON.stringify(text)}; there are ${Object.keys(levels).join(', ')}, and numbers.`)
  return level
}

/**
 * The bits of sectors that are given by name or by the number of the bit, as a mask.
 *
 * @throws {CliError} there is no such sector
 */
export function parseSectors(words: readonly string[], names: readonly string[]): number {
  return words.reduce((mask, word) => (mask | (1 << bitOf(word, names))) >>> 0, 0)
}

function bitOf(word: string, names: readonly string[]): number {
  const index = names.indexOf(word)
  if (index >= 0) return firstSector + index
  const bit = /^\d{1,2}$/.test(word) ? Number(word) : NaN
  if (bit >= firstSector && bit <= lastSector) return bit
  const known = names.length > 0 ? `the names ${names.join(', ')}` : 'with --config the names of the configuration'
  throw usageError(`There is no sector ${JSON.stringify(word)}; there are the bits ${firstSector} to ${lastSector}, and ${known}.`)
}

/** The sectors of a mask by name, or by the number of the bit where it has none. */
export function sectorNames(mask: number, names: readonly string[]): string[] {
  const found: string[] = []
  for (let bit = firstSector; bit <= lastSector; bit++) {
    if ((mask >>> bit) & 1) found.push(names[bit - firstSector] ?? String(bit))
  }
  return found
}
