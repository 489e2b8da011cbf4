import { hash } from 'node:crypto'
import ipaddr from 'ipaddr.js'
import pLimit, { type LimitFunction } from 'p-limit'
import type { Db, GsDatabase } from '../database/database.ts'
import { gsError } from '../errors.ts'

/** Failures from one address on one account before each further one costs a waiting time. */
const freeFailures = 5
/** First waiting time, ms; doubles with each failure. */
const firstDelay = 30_000
const longestDelay = 3_600_000
/** Consecutive failures on one account, from anywhere, after which its password is off until it is set anew (NIST SP 800-63B-4, 3.2.2). */
const disableAfter = 100
/** Attempts on one account that may wait for each other. */
const maxQueue = 50

/** An IPv4 address, or the /64 that one IPv6 customer has at least. */
export function addressGroup(ip: string): string {
  if (!ipaddr.isValid(ip)) return 'unknown'
  const address = ipaddr.process(ip)
  return address instanceof ipaddr.IPv6 ? address.parts.slice(0, 4).join(':') : address.toString()
}

// Hashed: the table needs no names or addresses. The key for an address begins with that of the account, so that all of an account
// can be found; hexadecimal, because every collation sorts it alike.
const accountKey = (subject: string) => hash('sha256', subject)
const addressKey = (subject: string, ip: string) => accountKey(subject) + hash('sha256', `${subject}\0${addressGroup(ip)}`)

export interface Throttle {
  /**
   * Runs a password check for one account. Checks of the same account wait for each other, so that simultaneous guesses are counted
   * like successive ones. A refused attempt runs no check. Unknown names are counted like known ones.
   *
   * @param subject account id, or the canonical name that was tried
   * @param check whether the password was right
   * @param stays whether the password stays on after 100 failures: that of the configured admin, who has no mailbox to recover by
   * @throws {GsError} `GS_TOO_MANY_ATTEMPTS`, `GS_PASSWORD_DISABLED`
   */
  attempt(subject: string, ip: string, check: () => Promise<boolean>, stays?: boolean): Promise<boolean>
  /** Forgets the failures on an account, from all addresses: a new password has been set through the mailbox. */
  forgive(db: Db, subject: string): Promise<void>
  /** Forgets failures older than a day, except those that keep a password off. */
  prune(db: Db, now: number): Promise<void>
}

export function createThrottle(database: GsDatabase, now: () => number): Throttle {
  const queues = new Map<string, { readonly run: LimitFunction; users: number }>()

  const failuresOf = async (account: string, pair: string) => {
    const rows = await database.db.selectFrom('gs_throttle').selectAll().where('key', 'in', [account, pair]).execute()
    return { account: rows.find((row) => row.key === account), pair: rows.find((row) => row.key === pair) }
  }

  const refuseIfTooMany = (found: Awaited<ReturnType<typeof failuresOf>>, stays: boolean) => {
    if (!stays && (found.account?.failures ?? 0) >= disableAfter) throw gsError('GS_PASSWORD_DISABLED', { field: 'password' })
    const { failures, last_at: lastAt } = found.pair ?? { failures: 0, last_at: 0 }
    if (failures < freeFailures) return
    const wait = lastAt + Math.min(longestDelay, firstDelay * 2 ** (failures - freeFailures)) - now()
    if (wait > 0) throw gsError('GS_TOO_MANY_ATTEMPTS', { field: 'password', retryAfter: Math.ceil(wait / 1000) })
  }

  const countFailure = (keys: string[]) =>
    database.transaction(async (trx) => {
      for (const key of keys) {
        await trx
          .insertInto('gs_throttle')
          .values({ key, failures: 1, last_at: now() })
          .onConflict((conflict) =>
            conflict.column('key').doUpdateSet((eb) => ({ failures: eb('gs_throttle.failures', '+', 1), last_at: now() }))
          )
          .execute()
      }
    })

  return {
    async attempt(subject, ip, check, stays = false) {
      const account = accountKey(subject)
      const pair = addressKey(subject, ip)
      const queue = queues.get(account) ?? { run: pLimit(1), users: 0 }
      if (queue.users >= maxQueue) throw gsError('GS_TOO_MANY_ATTEMPTS', { field: 'password', retryAfter: 5 })
      queues.set(account, queue)
      queue.users++
      try {
        return await queue.run(async () => {
          const found = await failuresOf(account, pair)
          refuseIfTooMany(found, stays)
          const right = await check()
          if (!right) await countFailure([account, pair])
          else if (found.account !== undefined || found.pair !== undefined)
            await database.transaction((trx) => trx.deleteFrom('gs_throttle').where('key', 'in', [account, pair]).execute())
          return right
        })
      } finally {
        if (--queue.users === 0) queues.delete(account)
      }
    },
    async forgive(db, subject) {
      const from = accountKey(subject)
      await db.deleteFrom('gs_throttle').where('key', '>=', from).where('key', '<', `${from}g`).execute()
    },
    async prune(db, at) {
      await db
        .deleteFrom('gs_throttle')
        .where('last_at', '<', at - 86_400_000)
        .where('failures', '<', disableAfter)
        .execute()
    }
  }
}
