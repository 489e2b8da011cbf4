import { hash, randomInt } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Selectable } from 'kysely'
import pLimit from 'p-limit'
import { addressGroup } from '../accounts/throttle.ts'
import type { GsSessionData } from '../app-types.ts'
import type { Db, GsDatabase, RawRow, Trx } from '../database/database.ts'
import type { SessionDataTable } from '../database/schema.ts'
import { gsError } from '../errors.ts'
import type { CarryRule, GsSessionDataOptions } from '../options.ts'
import type { Activity } from './activity.ts'
import type { TicketLimits } from './anonymous-ticket.ts'
import { decodeObject, encodeObject, isPlainObject } from './json-value.ts'
import { expiryCause, type SessionLimits } from './sessions.ts'

/** What `patch` takes: the keys to change; `undefined` removes a key. */
export type SessionDataChanges = { readonly [Key in keyof GsSessionData]?: GsSessionData[Key] | undefined }

/**
 * What the application keeps in a session: an object that JSON can hold. All of it is read and written as one; nothing is kept in the
 * memory of a process, so that every process sees the same.
 *
 * Changes reject with a `GsError`: `GS_SESSION_UNKNOWN`, the session has ended meanwhile; `GS_DATA_TOO_LARGE`, more than
 * `session.data.maxBytes`; `GS_SESSIONS_FULL`, too many anonymous sessions hold data; `GS_BUSY`. They reject with a `TypeError` for values
 * that JSON would change silently: `undefined` inside of them, `NaN`, dates, functions, cycles.
 */
export interface SessionData {
  /** All of it, frozen; an empty object when nothing is stored. */
  read(): Promise<Partial<GsSessionData>>
  /**
   * Changes some keys and leaves the others. Patches of one session never undo one another, whatever process they run in. A function is given
   * what is stored at that moment; it may be called again, so it should do nothing else.
   *
   * @returns all of it, frozen
   */
  patch(changes: SessionDataChanges | ((current: Partial<GsSessionData>) => SessionDataChanges)): Promise<Partial<GsSessionData>>
  /** The same as `read`, with the version for `replace`: a number that means nothing else; 0: nothing is stored. */
  readVersion(): Promise<{ data: Partial<GsSessionData>; version: number }>
  /** Puts `data` in the place of all that is stored, if it is still that version. False: it is not, and nothing has changed. */
  replace(data: Partial<GsSessionData>, version: number): Promise<boolean>
  /** Removes all of it. */
  clear(): Promise<void>
}

/** Whose data it is. */
export interface DataOwner {
  /** Public id of the session. */
  readonly id: string
  /** Null: it is logged in. */
  readonly anonymous: AnonymousOwner | null
}

export interface AnonymousOwner {
  /** Until when it may store something, ms. */
  readonly usableUntil: number
  /** Absolute end of its ticket, ms. */
  readonly expiresAt: number
  /** Null: not known. */
  readonly ip: string | null
}

/** An owner of whom the browser may know nothing yet. */
export interface NewOwner {
  /** Whether nobody can have stored anything for it. */
  readonly untold: () => boolean
  /** Sees to it that the browser will come back as this owner. Rejects when it will not. */
  readonly tell: () => Promise<void>
  /** Of the token with which the browser came, if that opens nothing any more. */
  readonly formerTokenHash: string | null
}

/** What a login takes data from: the session of its browser. */
export type CarrySource =
  | { readonly ticketId: string; readonly formerTokenHash: string | null }
  | { readonly sessionId: string; readonly sameAccount: boolean }

export interface SessionDataStore {
  /** Whether anything is left of the data of sessions that are over. */
  readonly keepsOfEnded: boolean
  readonly open: (owner: DataOwner, news?: NewOwner) => SessionData
  /** Whether a logged-in session lives: neither ended nor over its limits, and its account not locked. */
  readonly isAlive: (sessionId: string) => Promise<boolean>
  /**
   * In the transaction of a login, after the row of the new session is there and before the former one is ended: `onLogin`, and before it
   * `onLogout` when somebody else was logged in.
   */
  readonly carryOnLogin: (trx: Trx, carry: { readonly from: CarrySource; readonly to: string }) => Promise<void>
  /** In the transaction of a logout, before the session is ended: `onLogout`. */
  readonly carryOnLogout: (trx: Trx, carry: { readonly from: string; readonly to: DataOwner }) => Promise<void>
  /** Gives an anonymous session what `onLogout` leaves of the one that time has ended, whose token this was. */
  readonly adopt: (to: DataOwner, formerTokenHash: string) => Promise<void>
  /** Before sessions are ended that have crossed a limit: keeps for their browsers what `onLogout` leaves. */
  readonly keepOfExpired: (trx: Trx, sessionIds: readonly string[]) => Promise<void>
  /** Removes the data of an anonymous session. */
  readonly dropAnonymous: (id: string) => Promise<void>
  /** Removes at most `limit` rows whose time is over, and says how many. */
  readonly prune: (trx: Trx, limit: number) => Promise<number>
}

export interface SessionDataSettings {
  readonly database: GsDatabase
  readonly options: Required<GsSessionDataOptions>
  readonly limits: SessionLimits
  readonly ticketLimits: TicketLimits
  readonly activity: Pick<Activity, 'latest'>
  /** Told about rules of the application that fail; the data is dropped then, and nobody is kept from logging in or out. */
  readonly failed: (error: unknown) => void
  readonly now: () => number
}

type Content = Partial<GsSessionData>

interface Stored {
  readonly content: Content
  readonly version: number
}

/** Undefined: leave it as it is. */
type Change = (stored: Stored) => unknown

const nothing: Stored = { content: Object.freeze({}), version: 0 }
const emptyText = '{}'

/** How long a count of all anonymous sessions with data is believed, ms; and when it said that there is no room. */
const trusted = 60_000
const trustedFull = 5_000
/** Changes that may wait for one another in this process. */
const mostWaiting = 1000
/** Two logins of one browser so soon after one another are meant as one, ms. */
const secondClick = 60_000
/** How often a row may come and go between two statements of one change. */
const mostRounds = 10

/** So that a row that was removed and made again is not taken for the former one. */
const firstVersion = () => randomInt(1, 2 ** 30)
const nextVersion = (version: number) => (version % (2 ** 31 - 1)) + 1

const addressKey = (ip: string | null) => (ip === null ? null : hash('sha256', `session-data\0${addressGroup(ip)}`, 'base64url'))

const decode = (text: string) => decodeObject(text) as Content

/** It stands for a ticket whose data has gone on with a login, as long as that session lives. */
const isTaken = (row: Pick<Selectable<SessionDataTable>, 'id' | 'session_id'>) => row.session_id !== null && row.session_id !== row.id

const toStored = (row: Pick<Selectable<SessionDataTable>, 'data' | 'version'> | undefined): Stored =>
  row === undefined ? nothing : { content: decode(row.data), version: row.version }

export function createSessionData(settings: SessionDataSettings): SessionDataStore {
  const { database, limits, ticketLimits, activity, now } = settings
  const { maxBytes, onLogin, onLogout, maxAnonymous, maxAnonymousPerAddress } = settings.options
  const { db, engine } = database
  const locking = engine === 'postgres'
  // One after the other on SQLite, which has one writer: so each has its whole time to wait for other processes. On PostgreSQL a few: those
  // of one session wait for each other with a connection in their hands.
  const inTurn = pLimit(locking ? 4 : 1)
  let counted = { rows: 0, at: Number.NEGATIVE_INFINITY }

  const sessionQuery = (on: Db) =>
    on
      .selectFrom('gs_sessions as s')
      .select(['s.last_active_at', 's.expires_at', 's.remember', 's.id'])
      .select((eb) => eb.selectFrom('gs_accounts as a').whereRef('a.id', '=', 's.account_id').select('a.locked_at').as('locked_at'))
  const lookupOfSession = database.prepareLookup(
    sessionQuery(db).leftJoin('gs_session_data as d', 'd.id', 's.id').select(['d.data', 'd.version']).where('s.id', '=', '').compile().sql
  )
  const lookupOfAnonymous = database.prepareLookup(
    db
      .selectFrom('gs_session_data')
      .select(['expires_at', 'data', 'version'])
      .where('id', '=', '')
      .where('session_id', 'is', null)
      .compile().sql
  )

  const causeOf = (row: { id: string; last_active_at: number; expires_at: number; remember: number }) =>
    expiryCause(
      { lastActiveAt: activity.latest(row.id, row.last_active_at), expiresAt: row.expires_at, remember: row.remember === 1 },
      limits,
      now()
    )
  const lives = (row: Parameters<typeof causeOf>[0] & { locked_at: number | null }) => row.locked_at === null && causeOf(row) === null
  const rowLives = (row: RawRow) => {
    const [last_active_at, expires_at, remember, id, locked_at] = row as [number, number, number, string, number | null]
    return lives({ last_active_at, expires_at, remember, id, locked_at })
  }

  /** Null: the session has ended. */
  const look = async ({ id, anonymous }: DataOwner): Promise<Stored | null> => {
    if (anonymous === null) {
      const row = await lookupOfSession(id)
      if (row === undefined || !rowLives(row)) return null
      return row[5] === null ? nothing : toStored({ data: row[5] as string, version: row[6] as number })
    }
    if (now() >= anonymous.usableUntil) return null
    const row = await lookupOfAnonymous(id)
    if (row === undefined || (row[0] as number) <= now()) return nothing
    return toStored({ data: row[1] as string, version: row[2] as number })
  }

  const encode = (value: unknown) => {
    const text = encodeObject(value)
    const bytes = Buffer.byteLength(text)
    if (bytes > maxBytes)
      throw gsError('GS_DATA_TOO_LARGE', { reason: `${bytes} bytes of JSON, where session.data.maxBytes allows ${maxBytes}.` })
    return text
  }

  /** The JSON to write; null: there is nothing to write. */
  const plan = (stored: Stored, change: Change) => {
    const next = change(stored)
    if (next === undefined) return null
    const text = encode(next)
    return isDeepStrictEqual(JSON.parse(text), stored.content) ? null : text
  }

  const requireRoom = async (trx: Trx, key: string | null) => {
    const at = now()
    const age = at - counted.at
    if (age < 0 || age >= (counted.rows >= maxAnonymous ? trustedFull : trusted)) {
      const { rows } = await trx
        .selectFrom('gs_session_data')
        .select((eb) => eb.fn.countAll<string | number>().as('rows'))
        .where('expires_at', '>', at)
        .executeTakeFirstOrThrow()
      counted = { rows: Number(rows), at }
    }
    if (counted.rows >= maxAnonymous || (await isFull(trx, key))) throw gsError('GS_SESSIONS_FULL', { retryAfter: 60 })
    counted.rows++
  }

  const isFull = async (trx: Trx, key: string | null) => {
    if (key === null) return false
    // Counted one after the other, or simultaneous requests would all find room.
    if (locking) await trx.selectNoFrom((eb) => eb.fn('pg_advisory_xact_lock', [eb.fn('hashtext', [eb.val(key)])]).as('locked')).execute()
    const { rows } = await trx
      .selectFrom('gs_session_data')
      .select((eb) => eb.fn.countAll<string | number>().as('rows'))
      .where('address_key', '=', key)
      .where('expires_at', '>', now())
      .executeTakeFirstOrThrow()
    return Number(rows) >= maxAnonymousPerAddress
  }

  /** False: there is a row already. */
  const insert = async (trx: Trx, { id, anonymous }: DataOwner, text: string) => {
    const { numInsertedOrUpdatedRows } = await trx
      .insertInto('gs_session_data')
      .values({
        id,
        session_id: anonymous === null ? id : null,
        token_hash: null,
        data: text,
        version: firstVersion(),
        address_key: anonymous === null ? null : addressKey(anonymous.ip),
        expires_at: anonymous === null ? null : anonymous.expiresAt
      })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .executeTakeFirst()
    return numInsertedOrUpdatedRows === 1n
  }

  const requireAlive = async (trx: Trx, { id, anonymous }: DataOwner) => {
    let alive: boolean
    if (anonymous === null) {
      // PostgreSQL: whoever ends it waits for this transaction, or this one for him.
      const query = sessionQuery(trx).where('s.id', '=', id)
      const row = await (locking ? query.forKeyShare('s') : query).executeTakeFirst()
      alive = row !== undefined && lives(row)
    } else {
      alive = now() < anonymous.usableUntil
    }
    if (!alive) throw gsError('GS_SESSION_UNKNOWN')
  }

  const writeOnce = async (trx: Trx, owner: DataOwner, change: Change): Promise<Content> => {
    await requireAlive(trx, owner)
    const { id, anonymous } = owner
    for (let round = 0; round < mostRounds; round++) {
      const query = trx.selectFrom('gs_session_data').selectAll().where('id', '=', id)
      const row = await (locking ? query.forUpdate() : query).executeTakeFirst()
      if (row !== undefined && isTaken(row)) throw gsError('GS_SESSION_UNKNOWN')
      const over = row !== undefined && row.expires_at !== null && row.expires_at <= now()
      const stored = over ? nothing : toStored(row)
      const text = plan(stored, change)
      if (text === null) return stored.content
      if (text === emptyText || over) {
        if (row !== undefined) await trx.deleteFrom('gs_session_data').where('id', '=', id).execute()
        if (text === emptyText) return nothing.content
      } else if (row !== undefined) {
        await trx
          .updateTable('gs_session_data')
          .set({ data: text, version: nextVersion(row.version) })
          .where('id', '=', id)
          .execute()
        return decode(text)
      }
      if (anonymous !== null) await requireRoom(trx, addressKey(anonymous.ip))
      if (await insert(trx, owner, text)) return decode(text)
    }
    throw gsError('GS_BUSY', { retryAfter: 2 })
  }

  const queued = <T>(work: (trx: Trx) => Promise<T>): Promise<T> => {
    // Refused at once, not behind those who wait for that very transaction.
    if (database.current() !== null) return database.transaction(work)
    if (inTurn.pendingCount >= mostWaiting) throw gsError('GS_BUSY', { retryAfter: 2 })
    return inTurn(() => database.transaction(work))
  }

  /** What a rule leaves of a JSON text; null: nothing. */
  const applied = (rule: CarryRule, text: string | null): string | null => {
    if (text === null || rule === 'drop') return null
    if (rule === 'keep') return text
    try {
      const result: unknown = rule(decode(text))
      // It is not waited for; and a rejection that nobody hears would end the process.
      if (result instanceof Promise) result.catch(settings.failed)
      const left = encode(result)
      return left === emptyText ? null : left
    } catch (error) {
      settings.failed(error)
      return null
    }
  }

  /** Data of a session that time has ended, whether its row is gone already or not; null: there is none. */
  const findFormer = async (on: Db, tokenHash: string): Promise<{ id: string; text: string | null } | null> => {
    if (onLogout === 'drop') return null
    const kept = await on
      .selectFrom('gs_session_data')
      .select(['id', 'data'])
      .where('token_hash', '=', tokenHash)
      .where('expires_at', '>', now())
      .executeTakeFirst()
    if (kept !== undefined) return { id: kept.id, text: kept.data }
    const row = await sessionQuery(on)
      .innerJoin('gs_session_data as d', 'd.id', 's.id')
      .select('d.data')
      .where('s.token_hash', '=', tokenHash)
      .executeTakeFirst()
    if (row === undefined || row.locked_at !== null || causeOf(row) === null) return null
    return { id: row.id, text: applied(onLogout, row.data) }
  }

  /** The same, and it is not there any more. */
  const takeFormer = async (trx: Trx, tokenHash: string) => {
    const former = await findFormer(trx, tokenHash)
    return former !== null && (await take(trx, former.id)) !== null ? former.text : null
  }

  const take = async (trx: Trx, id: string) =>
    (await trx.deleteFrom('gs_session_data').where('id', '=', id).returning('data').executeTakeFirst())?.data ?? null

  /** The same lock first as in a change of its data, or both could wait for each other. Takes nothing of a session that has ended. */
  const takeOfSession = async (trx: Trx, id: string) => {
    const query = trx.selectFrom('gs_sessions').select('id').where('id', '=', id)
    const row = await (locking ? query.forUpdate() : query).executeTakeFirst()
    return row === undefined ? null : take(trx, id)
  }

  /** What comes late with the ticket must not be stored where nobody finds it, and a second click on "Log in" finds what the first has taken. */
  const takeOfTicket = async (trx: Trx, id: string, to: string) => {
    const taken = await trx
      .deleteFrom('gs_session_data')
      .where('id', '=', id)
      .where('session_id', 'is', null)
      .returning('data')
      .executeTakeFirst()
    if (taken === undefined) return null
    const nobodys = { token_hash: null, address_key: null, expires_at: null }
    await trx
      .insertInto('gs_session_data')
      .values({ id, session_id: to, data: emptyText, version: firstVersion(), ...nobodys })
      .execute()
    return taken.data
  }
  const copyOfTaken = async (trx: Trx, ticketId: string, to: string) => {
    const row = await trx
      .selectFrom('gs_session_data as ticket')
      .innerJoin('gs_sessions as first', 'first.id', 'ticket.session_id')
      .innerJoin('gs_sessions as second', 'second.account_id', 'first.account_id')
      .innerJoin('gs_session_data as d', 'd.id', 'first.id')
      .select('d.data')
      .where('ticket.id', '=', ticketId)
      .where('first.created_at', '>', now() - secondClick)
      .where('second.id', '=', to)
      .executeTakeFirst()
    return row?.data ?? null
  }

  const takeFrom = async (trx: Trx, from: CarrySource, to: string) => {
    if ('sessionId' in from) {
      const text = await takeOfSession(trx, from.sessionId)
      return from.sameAccount ? text : applied(onLogin, applied(onLogout, text))
    }
    const own = await takeOfTicket(trx, from.ticketId, to)
    const text = own ?? (from.formerTokenHash === null ? null : await takeFormer(trx, from.formerTokenHash))
    return text === null ? copyOfTaken(trx, from.ticketId, to) : applied(onLogin, text)
  }

  const adoptFormer = async (to: DataOwner, tokenHash: string) => {
    if ((await findFormer(db, tokenHash)) === null) return
    await queued(async (trx) => {
      const text = await takeFormer(trx, tokenHash)
      if (text !== null) await insert(trx, to, text)
    })
  }

  const open = (owner: DataOwner, news: NewOwner = { untold: () => false, tell: async () => undefined, formerTokenHash: null }) => {
    let former = news.formerTokenHash
    let adopting: Promise<Stored | null> | null = null

    /** Goes on with the data of the session that time has ended. What it says is there and cannot be gone on with; null: go on. */
    const adopt = async (tokenHash: string): Promise<Stored | null> => {
      const around = database.current()
      const found = await findFormer(around ?? db, tokenHash)
      if (found === null || found.text === null) return null
      const there = { content: decode(found.text), version: 0 }
      // A hook asks: the login itself goes on with it.
      if (around !== null) return there
      try {
        await news.tell()
      } catch {
        return there
      }
      await adoptFormer(owner, tokenHash)
      return null
    }
    const goOn = async (): Promise<Stored | null> => {
      if (former === null || onLogout === 'drop') return null
      try {
        adopting ??= adopt(former)
        const left = await adopting
        if (left === null) former = null
        return left
      } finally {
        adopting = null
      }
    }

    const read = async (): Promise<Stored> => {
      const left = await goOn()
      if (left !== null) return left
      return news.untold() ? nothing : ((await look(owner)) ?? nothing)
    }
    const write = async (change: Change): Promise<Content> => {
      await goOn()
      const stored = news.untold() ? nothing : await look(owner)
      if (stored === null) throw gsError('GS_SESSION_UNKNOWN')
      // Without a transaction, which others would have to wait for.
      if (plan(stored, change) === null) return stored.content
      await news.tell()
      return queued((trx) => writeOnce(trx, owner, change))
    }

    return {
      read: async () => (await read()).content,
      async readVersion() {
        const { content, version } = await read()
        return { data: content, version }
      },
      async patch(changes) {
        const content = await write(({ content }) => {
          const given: unknown = typeof changes === 'function' ? changes(content) : changes
          if (!isPlainObject(given)) throw new TypeError('The changes of a patch must be an object like { theme: "dark" }.')
          return Object.fromEntries(Object.entries({ ...content, ...given }).filter(([, value]) => value !== undefined))
        })
        return content
      },
      async replace(data, version) {
        encode(data)
        let fits = false
        await write((stored) => {
          fits = stored.version === version
          return fits ? data : undefined
        })
        return fits
      },
      async clear() {
        await write(() => ({}))
      }
    } satisfies SessionData
  }

  return {
    keepsOfEnded: onLogout !== 'drop',
    open,
    adopt: adoptFormer,
    async isAlive(sessionId) {
      const row = await lookupOfSession(sessionId)
      return row !== undefined && rowLives(row)
    },
    async carryOnLogin(trx, { from, to }) {
      const text = await takeFrom(trx, from, to)
      if (text !== null) await insert(trx, { id: to, anonymous: null }, text)
    },
    async carryOnLogout(trx, { from, to }) {
      if (onLogout === 'drop') return
      const text = applied(onLogout, await takeOfSession(trx, from))
      // Nobody is kept logged in because there is no room.
      if (text !== null && !(await isFull(trx, addressKey(to.anonymous?.ip ?? null)))) await insert(trx, to, text)
    },
    async keepOfExpired(trx, sessionIds) {
      if (onLogout === 'drop' || sessionIds.length === 0) return
      const query = trx
        .selectFrom('gs_session_data as d')
        .innerJoin('gs_sessions as s', 's.id', 'd.id')
        .select(['d.id', 'd.data', 's.token_hash'])
        .where('d.id', 'in', sessionIds)
      for (const row of await (locking ? query.forUpdate('d') : query).execute()) {
        const text = applied(onLogout, row.data)
        if (text === null) continue
        await trx
          .updateTable('gs_session_data')
          .set({ data: text, session_id: null, token_hash: row.token_hash, expires_at: now() + ticketLimits.idle })
          .where('id', '=', row.id)
          .execute()
      }
    },
    async dropAnonymous(id) {
      await queued((trx) => trx.deleteFrom('gs_session_data').where('id', '=', id).where('session_id', 'is', null).execute())
    },
    async prune(trx, limit) {
      const { numDeletedRows } = await trx
        .deleteFrom('gs_session_data')
        .where('id', 'in', (eb) => eb.selectFrom('gs_session_data').select('id').where('expires_at', '<=', now()).limit(limit))
        .executeTakeFirst()
      return Number(numDeletedRows)
    }
  }
}
