import type { FastifyBaseLogger } from 'fastify'
import type { BoardDatabase } from './database.ts'
import { AccountGone, MessageInvalid, NotYours, Unknown } from './errors.ts'
import type { LiveBoard } from './live.ts'
import { addMessage, emptyLog, findContentProblem, removeMessage, removeMessagesOf, type Visitor } from './messages.ts'

export interface BoardOptions {
  readonly db: BoardDatabase
  readonly live: LiveBoard
  readonly log: FastifyBaseLogger
  /** ms since 1970. Default: `Date.now`. */
  readonly now?: () => number
}

/** How soon it is tried again to empty the log while another process is reading, in ms. */
const eraseInterval = 1000

/** What people do on the board, in whatever way they do it; each of it is told to all who read. */
export class Board {
  readonly #options: Required<BoardOptions>
  #eraseAgain: NodeJS.Timeout | undefined

  constructor(options: BoardOptions) {
    this.#options = { now: Date.now, ...options }
  }

  /**
   * @param clientId a post that is sent again with the same one is stored once
   * @returns the number of the post
   * @throws {MessageInvalid | AccountGone}
   */
  async post({ accountId, username }: Visitor, content: string, clientId: string | null): Promise<number> {
    const problem = findContentProblem(content)
    if (problem !== null) throw Object.assign(new MessageInvalid(problem), { field: 'msg' })
    const { db, live } = this.#options
    const stored = await addMessage(db, { accountId, username, content, clientId, time: this.#seconds() })
    if (stored === null) throw new AccountGone()
    if (stored.added) live.announce()
    return stored.idx
  }

  /** @throws {NotYours | Unknown} */
  async remove(visitor: Visitor, idx: number): Promise<void> {
    const { db, live } = this.#options
    const outcome = await removeMessage(db, visitor, idx)
    if (outcome === 'not-yours') throw new NotYours()
    if (outcome === 'unknown') throw new Unknown()
    live.announce()
    await this.#erase()
  }

  /** An account was deleted: what it has posted goes. May be told again. */
  async forget(accountId: string): Promise<void> {
    const { db, live } = this.#options
    await removeMessagesOf(db, accountId, this.#seconds())
    live.announce()
    await this.#erase()
  }

  /** Call before the database is closed, which empties its log by itself. */
  close(): void {
    clearTimeout(this.#eraseAgain)
  }

  /** The deletion stands already; this removes what SQLite's log still has of it. */
  async #erase(): Promise<void> {
    const { db, log } = this.#options
    clearTimeout(this.#eraseAgain)
    const done = await emptyLog(db).catch((error: unknown) => {
      log.error({ err: error }, 'the log of the database could not be emptied; it is tried again')
      return false
    })
    if (!done) this.#eraseAgain = setTimeout(() => void this.#erase(), eraseInterval).unref()
  }

  #seconds(): number {
    return Math.floor(this.#options.now() / 1000)
  }
}
