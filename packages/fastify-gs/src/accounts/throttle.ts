import { hash } from 'node:crypto'
import ipaddr from 'ipaddr.js'
import { sql } from 'kysely'
import pLimit, { type LimitFunction } from 'p-limit'
import type { Db, GsDatabase, Trx } from '../database/database.ts'
import { gsError } from '../errors.ts'
import type { ResolvedOptions } from '../options.ts'

/** Failures from one address on one account before each further one costs a waiting time. */
const freeFailures = 5
/** First waiting time, ms; doubles with each failure. */
const firstDelay = 30_000
const longestDelay = 3_600_000
/** Failures of a known browser on its account after which it counts as an unknown one. */
const knownFailures = 10
/** Failures from one address on all accounts together before further ones have to wait; they are forgotten one by one, ms for each. */
const addressBurst = 100
const addressInterval = 36_000
/** Attempts on one account that may wait for each other. */
const maxQueue = 50

/** How long failures of one address on one account are remembered after the last one, ms; it is longer than any waiting time. */
const pairMemory = 86_400_000
/** The same for all failures on one account, and for those of a known browser. */
const memory = 30 * 86_400_000
/** How long the names that nobody has are off like passwords, and how long an owner is not told a second time, ms. */
const offMemory = 400 * 86_400_000
/** A process that was killed between counting the last failure and telling the owner has not told him, ms. */
const tellingTime = 60_000
/** Rows of the table beyond which those go first that count least, and the most that go at once. */
const defaultMaxRows = 1_000_000
const evictionBatch = 10_000

const nobody = 'unknown:'

/** An IPv4 address, or the /64 that one IPv6 customer has at least. */
export function addressGroup(ip: string): string {
  if (!ipaddr.isValid(ip)) return 'unknown'
  const address = ipaddr.process(ip)
  return address instanceof ipaddr.IPv6 ? address.parts.slice(0, 4).join(':') : address.toString()
}

/** For `attempt`, in the place of an account's id. @param name canonical, or the spelling would tell it apart from known names */
export function unknownSubject(name: string): string {
  return nobody + name
}

/** From where an attempt comes. */
export interface AttemptOrigin {
  readonly ip: string
  /** Id of the browser that is known for the account; null: it is not. */
  readonly known: string | null
}

export interface AttemptTerms {
  /** Whether the password stays on, however many are wrong: that of the configured admin, who has no mailbox to recover by. Default: no. */
  readonly stays?: boolean
  /** Tells the owner that the password is off: once, in the transaction that notes that he was told. */
  readonly tellOwner?: (trx: Trx) => Promise<void>
}

export interface Throttle {
  /**
   * Runs a check of a password or code for one account. It is counted as a failure before it runs, and taken back when it succeeds or
   * cannot be made: so simultaneous guesses, in any number of processes, count like successive ones, and no crash loses one. Attempts of
   * the same account in this process wait for each other. A refused attempt runs no check, does not count and prolongs nothing. Unknown
   * names are counted like known ones.
   *
   * @param subject account id, or `unknownSubject()` of the name that was tried
   * @param check whether the password was right
   * @throws {GsError} `GS_TOO_MANY_ATTEMPTS`, `GS_PASSWORD_DISABLED`
   */
  attempt(subject: string, from: AttemptOrigin, check: () => Promise<boolean>, terms?: AttemptTerms): Promise<boolean>
  /** Forgets the failures on an account, from all addresses and browsers: whoever has its mailbox has set a new password, or may. */
  forgive(db: Db, subject: string): Promise<void>
  /** Forgets failures that have no effect any more. */
  prune(db: Db, now: number): Promise<void>
}

interface Count {
  readonly failures: number
  /** When the last one was; for an address when the last one is forgotten. */
  readonly last_at: number
}

interface Counted {
  readonly key: string
  readonly before: Count
  readonly lastAt: number
}

const none: Count = { failures: 0, last_at: 0 }

// Hashed: the table needs no names or addresses. All keys of an account begin with the same 64 hexadecimal digits; small letters and digits,
// because every collation sorts them alike. Letters beyond `f` tell the kinds apart.
const subjectKey = (subject: string) => hash('sha256', subject)

function keysOf(subject: string, { ip, known }: AttemptOrigin) {
  const own = subjectKey(subject)
  const group = addressGroup(ip)
  return {
    account: subject.startsWith(nobody) ? `${own}n` : own,
    told: `${own}t`,
    pair: own + hash('sha256', `${subject}\0${group}`),
    known: known === null ? null : `${own}k${hash('sha256', known)}`,
    address: `x${hash('sha256', `address\0${group}`)}`
  }
}
type Keys = ReturnType<typeof keysOf>

/** Forgets the failures on an account, see {@link Throttle}. */
export async function forgiveFailures(db: Db, subject: string): Promise<void> {
  const from = subjectKey(subject)
  await db.deleteFrom('gs_throttle').where('key', '>=', from).where('key', '<', `${from}z`).execute()
}

/** The failures on an account that count against unknown browsers; null: there are none. */
export async function failuresOn(db: Db, subject: string): Promise<{ count: number; lastAt: number } | null> {
  const row = await db.selectFrom('gs_throttle').select(['failures', 'last_at']).where('key', '=', subjectKey(subject)).executeTakeFirst()
  return row === undefined || row.failures === 0 ? null : { count: row.failures, lastAt: row.last_at }
}

/** What the row counts, kept as it is until the transaction ends; a row that is not there is made. */
async function hold(trx: Trx, key: string): Promise<Count> {
  return trx
    .insertInto('gs_throttle')
    .values({ key, ...none })
    .onConflict((conflict) => conflict.column('key').doUpdateSet((eb) => ({ failures: eb.ref('gs_throttle.failures') })))
    .returning(['failures', 'last_at'])
    .executeTakeFirstOrThrow()
}

async function count(trx: Trx, key: string, before: Count, lastAt: number): Promise<Counted> {
  await trx
    .updateTable('gs_throttle')
    .set({ failures: before.failures + 1, last_at: lastAt })
    .where('key', '=', key)
    .execute()
  return { key, before, lastAt }
}

/** As if it had not been counted; what others have counted since stays. */
async function takeBack(trx: Trx, { key, before, lastAt }: Counted): Promise<void> {
  const { last_at: earlier } = before
  await trx
    .updateTable('gs_throttle')
    .set((eb) => ({
      failures: eb('failures', '-', 1),
      last_at: isAddress(key)
        ? eb('last_at', '-', addressInterval)
        : eb.case().when('last_at', '=', lastAt).then(earlier).else(eb.ref('last_at')).end()
    }))
    .where('key', '=', key)
    .execute()
  await trx.deleteFrom('gs_throttle').where('key', '=', key).where('failures', '<=', 0).execute()
}

const isAddress = (key: string) => key.startsWith('x')

/** @param policy `attempts` of the options */
export function createThrottle(
  database: GsDatabase,
  now: () => number,
  { ladder, lockAfter }: ResolvedOptions['attempts'],
  maxRows = defaultMaxRows
): Throttle {
  const queues = new Map<string, { readonly run: LimitFunction; users: number }>()

  const pause = (failures: number) => ladder.findLast((rung) => rung.failures <= failures)?.wait ?? 0
  const pairPause = (failures: number) =>
    failures < freeFailures ? 0 : Math.min(longestDelay, firstDelay * 2 ** (failures - freeFailures))

  /** Nobody has to wait until his clock has reached that of another server, unless there is a waiting time. */
  const endOf = (counted: Count, wait: number) => (wait === 0 ? 0 : counted.last_at + wait)

  const isOff = ({ failures }: Count, { stays = false }: AttemptTerms) => !stays && failures >= lockAfter

  const refuseIfTooMany = (account: Count, pair: Count, address: Count, terms: AttemptTerms) => {
    if (isOff(account, terms)) throw gsError('GS_PASSWORD_DISABLED', { field: 'password' })
    const until = Math.max(
      endOf(account, pause(account.failures)),
      endOf(pair, pairPause(pair.failures)),
      address.last_at - (addressBurst - 1) * addressInterval
    )
    const wait = until - now()
    if (wait > 0) throw gsError('GS_TOO_MANY_ATTEMPTS', { field: 'password', retryAfter: Math.ceil(wait / 1000) })
  }

  /** Notes that the owner was told, and tells him; not if he was, or if the password is on again. */
  const tell = (keys: Keys, { tellOwner }: AttemptTerms) =>
    database.transaction(async (trx) => {
      const off = await trx
        .selectFrom('gs_throttle')
        .select('key')
        .where('key', '=', keys.account)
        .where('failures', '>=', lockAfter)
        .executeTakeFirst()
      if (off === undefined) return
      const noted = await trx
        .insertInto('gs_throttle')
        .values({ key: keys.told, failures: 1, last_at: now() })
        .onConflict((conflict) => conflict.column('key').doNothing())
        .returning('key')
        .executeTakeFirst()
      if (noted !== undefined) await tellOwner?.(trx)
    })

  /** Refuses without a transaction, so that guesses that are refused anyway cost no more than a look. */
  const look = async (keys: Keys, terms: AttemptTerms): Promise<void> => {
    const wanted = [keys.account, keys.told, keys.pair, keys.address, ...(keys.known === null ? [] : [keys.known])]
    const rows = await database.db.selectFrom('gs_throttle').selectAll().where('key', 'in', wanted).execute()
    const of = (key: string): Count => rows.find((row) => row.key === key) ?? none
    if (keys.known !== null && of(keys.known).failures < knownFailures) return
    const account = of(keys.account)
    if (isOff(account, terms) && of(keys.told) === none && account.last_at < now() - tellingTime) await tell(keys, terms)
    refuseIfTooMany(account, of(keys.pair), of(keys.address), terms)
  }

  /** Counts an attempt as a failure, or refuses it. Rows are taken in one order, or two attempts could wait for each other. */
  const reserve = (keys: Keys, terms: AttemptTerms) =>
    database.transaction(async (trx): Promise<Counted[]> => {
      const at = now()
      if (keys.known !== null) {
        const known = await hold(trx, keys.known)
        if (known.failures < knownFailures) return [await count(trx, keys.known, known, at)]
      }
      const account = await hold(trx, keys.account)
      const pair = await hold(trx, keys.pair)
      const address = await hold(trx, keys.address)
      refuseIfTooMany(account, pair, address, terms)
      return [
        await count(trx, keys.account, account, at),
        await count(trx, keys.pair, pair, at),
        await count(trx, keys.address, address, Math.max(at, address.last_at) + addressInterval)
      ]
    })

  const undo = (counted: readonly Counted[]) =>
    database.transaction(async (trx) => {
      for (const each of counted) await takeBack(trx, each)
    })

  /**
   * The account begins anew, and this address with it. What was counted besides is only taken back: success on an account of his own helps
   * no guesser to more names, nor does that of the owner to more tries with a copy of his cookie (who logs in gets another one).
   */
  const succeed = (keys: Keys, counted: readonly Counted[]) =>
    database.transaction(async (trx) => {
      const strange = counted.some(({ key }) => key === keys.account)
      await trx
        .deleteFrom('gs_throttle')
        .where('key', '=', keys.account)
        // What is off stays off until a link from the mailbox: a known browser is let in all the same.
        .$if(!strange, (query) => query.where('failures', '<', lockAfter))
        .execute()
      await trx.deleteFrom('gs_throttle').where('key', '=', keys.pair).execute()
      for (const each of counted) if (each.key !== keys.account && each.key !== keys.pair) await takeBack(trx, each)
    })

  return {
    async attempt(subject, from, check, terms = {}) {
      const keys = keysOf(subject, from)
      // A lane of its own for a known browser, or strangers who fill the other one would keep the owner out.
      const lane = keys.known ?? keys.account
      const queue = queues.get(lane) ?? { run: pLimit(1), users: 0 }
      if (queue.users >= maxQueue) throw gsError('GS_TOO_MANY_ATTEMPTS', { field: 'password', retryAfter: 5 })
      queues.set(lane, queue)
      queue.users++
      try {
        return await queue.run(async () => {
          await look(keys, terms)
          const counted = await reserve(keys, terms)
          let right
          try {
            right = await check()
          } catch (error) {
            await undo(counted)
            throw error
          }
          if (right) await succeed(keys, counted)
          else if (counted.some(({ key, before }) => key === keys.account && isOff({ ...before, failures: before.failures + 1 }, terms)))
            await tell(keys, terms)
          return right
        })
      } finally {
        if (--queue.users === 0) queues.delete(lane)
      }
    },
    forgive: forgiveFailures,
    async prune(db, at) {
      const forget = () => db.deleteFrom('gs_throttle')
      await forget().where('key', '>=', 'x').where('key', '<', 'y').where('last_at', '<=', at).execute()
      await forget()
        .where(sql<number>`length(key)`, '=', 128)
        .where('last_at', '<', at - pairMemory)
        .execute()
      await forget()
        .where('last_at', '<', at - memory)
        .where('failures', '<', lockAfter)
        .where('key', 'not like', '%t')
        .execute()
      await forget()
        .where('last_at', '<', at - offMemory)
        .where((eb) => eb.or([eb('key', 'like', '%n'), eb('key', 'like', '%t')]))
        .execute()

      const { rows } = await db
        .selectFrom('gs_throttle')
        .select((eb) => eb.fn.countAll().as('rows'))
        .executeTakeFirstOrThrow()
      const excess = Math.min(Number(rows) - maxRows, evictionBatch)
      if (excess <= 0) return
      const least = db
        .selectFrom('gs_throttle')
        .select('key')
        .where('failures', '<', freeFailures)
        .where('key', 'not like', '%t')
        .orderBy('last_at')
        .limit(excess)
      await forget().where('key', 'in', least).execute()
    }
  }
}
