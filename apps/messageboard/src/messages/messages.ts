import type { BoardDatabase } from './database.ts'

export interface Message {
  readonly idx: number
  /** Seconds since 1970. */
  readonly time: number
  readonly username: string
  readonly content: string
}

/** The longest post, in code points. */
const maxContentLength = 4000

/**
 * Says what is wrong with a text that somebody wants to post, or null. A post is data: it is kept and shown exactly as typed,
 * therefore nothing is trimmed or cleaned here.
 */
export function findContentProblem(content: string): string | null {
  if (!content.isWellFormed()) return 'The text contains characters that are damaged.'
  if (!/\S/u.test(content)) return 'Please write something.'
  if (/[^\P{Cc}\n\t]/u.test(content)) return 'The text contains control characters.'
  // A code point takes one or two units of length; only a text in between needs counting.
  if (content.length > maxContentLength && (content.length > 2 * maxContentLength || Array.from(content).length > maxContentLength)) {
    return `The text is too long; ${maxContentLength} characters are the limit.`
  }
  return null
}

/** Stores a post. It is on the disk when this resolves. */
export function addMessage(db: BoardDatabase, message: Omit<Message, 'idx'>): Promise<Message> {
  return db.insertInto('message').values(message).returningAll().executeTakeFirstOrThrow()
}

/** The last posts up to `idx`, oldest first. */
export async function findLastMessages(db: BoardDatabase, idx: number, count: number): Promise<Message[]> {
  const messages = await db.selectFrom('message').selectAll().where('idx', '<=', idx).orderBy('idx', 'desc').limit(count).execute()
  return messages.toReversed()
}

/** The posts that follow `idx`, oldest first. */
export function findMessagesAfter(db: BoardDatabase, idx: number, count: number): Promise<Message[]> {
  return db.selectFrom('message').selectAll().where('idx', '>', idx).orderBy('idx').limit(count).execute()
}

/** The idx of the newest post; 0 while there is none. */
export async function findLastIdx(db: BoardDatabase): Promise<number> {
  const row = await db
    .selectFrom('message')
    .select(({ fn }) => fn.max('idx').as('idx'))
    .executeTakeFirst()
  return row?.idx ?? 0
}
