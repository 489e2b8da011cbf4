import { writeSync } from 'node:fs'
import { createThrottle } from '../accounts/throttle.ts'
import { openSqlite } from '../database/sqlite.ts'
import { isGsError } from '../errors.ts'

// Guesses at the account `alice`, each from an address of its own, and writes a line for each check and for each way to be refused.
// node throttle-process.ts <database> <second byte of the addresses> <simultaneous | successive> <count> <check that never ends, or 0>

const [path = '', net = '', mode = '', count = '0', hangs = '0'] = process.argv.slice(2)
const say = (line: string) => void writeSync(1, `${line}\n`)
const throttle = createThrottle(await openSqlite(path), Date.now, { ladder: [{ failures: 10, wait: 3_600_000 }], lockAfter: 1000 })

let checks = 0
const check = async () => {
  checks++
  say('checked')
  // The timer keeps the process alive until it is killed.
  if (checks === Number(hangs)) await new Promise(() => setInterval(() => undefined, 60_000))
  return false
}
const refusals = new Set<string>()
const guess = (n: number) =>
  throttle.attempt('alice', { ip: `10.${net}.${n >> 8}.${n & 255}`, known: null }, check).catch((error: unknown) => {
    refusals.add(isGsError(error) ? error.code : String(error))
  })

const numbers = Array.from({ length: Number(count) }, (_, n) => n)
if (mode === 'simultaneous') await Promise.all(numbers.map(guess))
else for (const n of numbers) await guess(n)
for (const code of refusals) say(code)
process.exit()
