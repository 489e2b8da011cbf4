import Sqlite from 'better-sqlite3'
import type { Denylist } from 'fastify-gs-jwt'

const day = 86_400_000

export const deniedToken = (i: number): string => `denied-${i.toString().padStart(16, '0')}`

/** Denies the tokens with these numbers for the next day, one after the other. */
export async function denyMany(denylist: Denylist, count: number): Promise<void> {
  const before = Date.now()
  for (let i = 0; i < count; i++) await denylist.deny({ jti: deniedToken(i), before, until: before + day })
}

/** Adds denials of anybody, in one transaction: each with a sync of its own, they would take minutes on some disks. */
export function fillDenials(file: string, count: number): void {
  const database = new Sqlite(file)
  const before = Date.now()
  database
    .prepare(
      `with recursive numbers(i) as (select 1 union all select i + 1 from numbers where i < ?)
       insert into gs_jwt_denials (key, before_ms, until_ms)
       select substr(lower(hex(randomblob(22))), 1, 43), ?, ? from numbers`
    )
    .run(count, before, before + day)
  database.close()
}
