import { sql } from 'kysely'
import type { BoardDatabase } from './database.ts'
import type { Post } from './protocol.ts'
import { hasVisible } from './visible.ts'

export interface Message {
  readonly idx: number
  /** Seconds since 1970. */
  readonly time: number
  readonly username: string
  readonly content: string
  /** Null: nobody's own. */
  readonly accountId: string | null
}

export interface NewMessage extends Omit<Message, 'idx' | 'accountId'> {
  readonly accountId: string
  /** Made up by the author's program: the same post sent again has the same one. Null: it is never sent again. */
  readonly clientId?: string | null
}

/** Something that has happened on the board. */
export interface Change {
  /** Without gaps, in the order of the commits. */
  readonly seq: number
  readonly idx: number
  readonly deleted: boolean
  /** Null: a deletion, or the post was deleted since. */
  readonly message: Message | null
}

export interface Page {
  /** Oldest first. */
  readonly messages: readonly Message[]
  /** Whether there are older ones. */
  readonly older: boolean
}

/** How far the board has come: its newest change, and its newest post. */
export interface Position {
  readonly seq: number
  readonly idx: number
}

/** Somebody who may read the board. */
export interface Visitor {
  readonly accountId: string
  readonly username: string
  /** May delete the posts of others. */
  readonly mayModerate: boolean
}

/** The longest post, in code points. */
const maxContentLength = 4000

/** How long a deleted account is remembered, in seconds: much longer than a request can take. */
const departedMemory = 86_400

/** Posts that are deleted in one go: nobody else is served meanwhile. */
const deletionBatch = 200

/**
 * Says what is wrong with a text that somebody wants to post, or null. A post is data: it is kept and shown exactly as typed,
 * therefore nothing is trimmed or cleaned here.
 */
export function findContentProblem(content: string): string | null {
  if (!content.isWellFormed()) return 'The text contains characters that are damaged.'
  if (!hasVisible(content)) return 'Please write something.'
  if (/[^\P{Cc}\n\t]/u.test(content)) return 'The text contains control characters.'
  // A code point takes one or two units of length; only a text in between needs counting.
  if (content.length > maxContentLength && (content.length > 2 * maxContentLength || Array.from(content).length > maxContentLength)) {
    return `The text is too long; ${maxContentLength} characters are the limit.`
  }
  return null
}

/** A post as the visitor gets it. */
export function postFor(visitor: Visitor, { idx, time, username, content, accountId }: Message): Post {
  const own = accountId === visitor.accountId
  return { idx, time, username, content, own, deletable: own || visitor.mayModerate }
}

const messageColumns = ['idx', 'time', 'username', 'content', 'account_id as accountId'] as const

/** A deleted post: nothing is left but its number, and what keeps it from coming again. */
const emptied = { deleted: 1, username: '', content: '' } as const

/**
 * Stores a post; it is on the disk when this resolves. One that was stored before is not stored again, also if it was deleted meanwhile.
 *
 * @returns the number of the post; null: the account was deleted
 */
export async function addMessage(db: BoardDatabase, message: NewMessage): Promise<{ idx: number; added: boolean } | null> {
  const { accountId, clientId = null, content, time, username } = message
  // One statement: nothing can happen in between, also not in another process.
  const { rows } = await sql<{ idx: number }>`
    insert into message (time, username, content, account_id, client_id)
    select ${time}, ${username}, ${content}, ${accountId}, ${clientId}
    where not exists (select 1 from departed where account_id = ${accountId})
    on conflict (account_id, client_id) do nothing
    returning idx`.execute(db)
  if (rows[0] !== undefined) return { idx: rows[0].idx, added: true }
  const before = await db
    .selectFrom('message')
    .select('idx')
    .where('account_id', '=', accountId)
    .where('client_id', '=', clientId)
    .executeTakeFirst()
  return before === undefined ? null : { idx: before.idx, added: false }
}

/** The last posts up to `idx`, oldest first. */
export async function findLastMessages(db: BoardDatabase, idx: number, count: number): Promise<Message[]> {
  const messages = await db
    .selectFrom('message')
    .select(messageColumns)
    .where('deleted', '=', sql.lit(0))
    .where('idx', '<=', idx)
    .orderBy('idx', 'desc')
    .limit(count)
    .execute()
  return messages.toReversed()
}

/** A page of the history: posts up to `idx`. */
export async function findPage(db: BoardDatabase, idx: number, count: number): Promise<Page> {
  const messages = await findLastMessages(db, idx, count + 1)
  const older = messages.length > count
  return { messages: older ? messages.slice(1) : messages, older }
}

/** The changes that follow `seq`, in order. The first one has another number than `seq + 1` if some are forgotten already. */
export async function findChangesAfter(db: BoardDatabase, seq: number, count: number): Promise<Change[]> {
  const rows = await db
    .selectFrom('change')
    .leftJoin('message', (join) => join.onRef('message.idx', '=', 'change.idx').on('change.deleted', '=', 0).on('message.deleted', '=', 0))
    .select(['change.seq', 'change.idx', 'change.deleted', 'time', 'username', 'content', 'message.account_id as accountId'])
    .where('change.seq', '>', seq)
    .orderBy('change.seq')
    .limit(count)
    .execute()
  return rows.map(({ seq, idx, deleted, time, username, content, accountId }) => ({
    seq,
    idx,
    deleted: deleted === 1,
    message: time === null ? null : { idx, time, username: username!, content: content!, accountId }
  }))
}

/** Where the board is now. */
export async function findPosition(db: BoardDatabase): Promise<Position> {
  const { rows } = await sql<Position>`
    select (select coalesce(max(seq), 0) from change) as seq, (select coalesce(max(idx), 0) from message) as idx`.execute(db)
  return rows[0]!
}

/** What to call the changes of this file, so that a reader who comes back can say which ones he knows. */
export async function findHistoryMark(db: BoardDatabase): Promise<string> {
  const { mark } = await db.selectFrom('opened').select('mark').orderBy('id', 'desc').limit(1).executeTakeFirstOrThrow()
  return mark
}

/** Whether the change `seq` that goes by this mark is one of this file, and not one that was lost when a backup took its place. */
export async function hasChange(db: BoardDatabase, mark: string, seq: number): Promise<boolean> {
  // Since then the file was never opened with fewer changes.
  const { rows } = await sql<{ known: 0 | 1 }>`
    select exists (
      select 1 from opened as told where mark = ${mark}
      and not exists (select 1 from opened as later where later.id > told.id and later.seq < ${seq})
    ) as known`.execute(db)
  return rows[0]!.known === 1
}

/** Deletes a post, if the visitor may. */
export async function removeMessage(db: BoardDatabase, visitor: Visitor, idx: number): Promise<'removed' | 'not-yours' | 'unknown'> {
  const { numUpdatedRows } = await db
    .updateTable('message')
    .set(emptied)
    .where('idx', '=', idx)
    .where('deleted', '=', 0)
    .$if(!visitor.mayModerate, (query) => query.where('account_id', '=', visitor.accountId))
    .executeTakeFirstOrThrow()
  if (numUpdatedRows > 0n) return 'removed'
  const other = await db.selectFrom('message').select('idx').where('idx', '=', idx).where('deleted', '=', 0).executeTakeFirst()
  return other === undefined ? 'unknown' : 'not-yours'
}

/** Deletes all that an account has posted, and refuses what it had on the way. May be called again. */
export async function removeMessagesOf(db: BoardDatabase, accountId: string, now: number): Promise<void> {
  await db
    .deleteFrom('departed')
    .where('at', '<', now - departedMemory)
    .execute()
  await db
    .insertInto('departed')
    .values({ account_id: accountId, at: now })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  for (let deleted = deletionBatch; deleted === deletionBatch;) {
    const { numUpdatedRows } = await db
      .updateTable('message')
      .set({ ...emptied, account_id: null, client_id: null })
      .where('idx', 'in', (eb) => eb.selectFrom('message').select('idx').where('account_id', '=', accountId).limit(deletionBatch))
      .executeTakeFirstOrThrow()
    deleted = Number(numUpdatedRows)
    await new Promise(setImmediate)
  }
}

/**
 * Empties SQLite's log, which has what was deleted a moment ago until it is written anew. False: another process is reading just now; to be
 * tried again.
 */
export async function emptyLog(db: BoardDatabase): Promise<boolean> {
  const { rows } = await sql<{ busy: number }>`pragma wal_checkpoint(TRUNCATE)`.execute(db)
  return rows[0]!.busy === 0
}
