import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import type { BoardDatabase } from './database.ts'

/** A process says that it lives this often, in seconds. */
const signOfLife = 10

/** One that has not said so for this long, in seconds, has died without a word. */
const deadAfter = 30

/** How many accounts have the board open, in all processes that serve it. */
export class Presence {
  readonly #db: BoardDatabase
  readonly #id = randomUUID()
  #written: string | null = null
  #writtenAt = 0

  constructor(db: BoardDatabase) {
    this.#db = db
  }

  /**
   * @param accounts those that have sockets in this process
   * @param now seconds since 1970
   */
  async count(accounts: ReadonlySet<string>, now: number): Promise<number> {
    await this.#write(accounts, now)
    const { rows } = await sql<{ people: number }>`
      select count(distinct account_id) as people from reader
      where process_id in (select id from process where seen_at > ${now - deadAfter})`.execute(this.#db)
    return rows[0]!.people
  }

  /** The process serves nobody any more. */
  async leave(): Promise<void> {
    if (this.#written === null) return
    await this.#db.deleteFrom('process').where('id', '=', this.#id).execute()
    this.#written = null
  }

  async #write(accounts: ReadonlySet<string>, now: number): Promise<void> {
    const list = JSON.stringify([...accounts].toSorted())
    if (list === '[]') return this.leave()
    // Also when the clock was turned back.
    if (list === this.#written && Math.abs(now - this.#writtenAt) < signOfLife) return
    await this.#db.transaction().execute(async (trx) => {
      // With their readers. This process, too: it may have been taken for dead, and be back.
      await trx
        .deleteFrom('process')
        .where((eb) => eb.or([eb('seen_at', '<=', now - deadAfter), eb('id', '=', this.#id)]))
        .execute()
      await trx.insertInto('process').values({ id: this.#id, seen_at: now }).execute()
      await sql`insert into reader (process_id, account_id) select ${this.#id}, value from json_each(${list})`.execute(trx)
    })
    this.#written = list
    this.#writtenAt = now
  }
}
