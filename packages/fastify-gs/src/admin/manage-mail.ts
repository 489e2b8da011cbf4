import { findAccountByUsername, lockAccount } from '../accounts/accounts.ts'
import { usernameKey } from '../accounts/identifiers.ts'
import type { Trx } from '../database/database.ts'
import { accountEventTypes } from '../mail/account-events.ts'
import { claimTime } from '../mail/outbox.ts'
import type { Administration } from './administration.ts'
import { cutPage, pageLimit, parsePlaceInTime, placeInTime } from './page.ts'
import type { MailState } from './records.ts'
import type { AdminServices } from './services.ts'

// Events for the application wait in the same table; they are not mail, and are told until somebody has taken them.

interface QueuedMail {
  readonly account_id: string | null
  readonly parameters: string
}

/** Whom a mail that is not sent yet is about. Warnings are to outlive the account and belong to none: they name it. */
async function accountIdOf(trx: Trx, { account_id, parameters }: QueuedMail): Promise<string | null> {
  if (account_id !== null) return account_id
  const { username } = JSON.parse(parameters) as { username?: string }
  const key = username === undefined ? null : usernameKey(username)
  return key === null ? null : ((await findAccountByUsername(trx, key))?.id ?? null)
}

export function manageMail({ database, now, actor, audited }: AdminServices): Administration['mail'] {
  return {
    async list({ state, limit: asked, after } = {}) {
      const limit = pageLimit(asked)
      const place = after === undefined ? undefined : parsePlaceInTime(after)
      const found = await database.db
        .selectFrom('gs_outbox')
        .select(['id', 'kind', 'recipient', 'state', 'attempts', 'created_at', 'next_attempt_at', 'last_error'])
        .where('kind', 'not in', accountEventTypes)
        .$if(state !== undefined, (query) => query.where('state', '=', state!))
        .$if(place !== undefined, (query) =>
          query.where((eb) => eb(eb.refTuple('created_at', 'id'), '<', eb.tuple(place!.createdAt, place!.id)))
        )
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .limit(limit + 1)
        .execute()
      const { rows, next } = cutPage(found, limit, placeInTime)
      const mails = rows.map((row) => ({
        id: row.id,
        kind: row.kind,
        recipient: row.recipient,
        state: row.state as MailState,
        attempts: row.attempts,
        createdAt: row.created_at,
        nextAttemptAt: row.state === 'waiting' ? row.next_attempt_at : null,
        lastError: row.last_error
      }))
      return { mails, next }
    },

    retry: (id) =>
      audited(async (trx, record) => {
        const one = id === 'all' ? undefined : id
        const { waiting } = await trx
          .selectFrom('gs_outbox')
          .select((eb) => eb.fn.countAll().as('waiting'))
          .where('state', '=', 'waiting')
          .where('kind', 'not in', accountEventTypes)
          .$if(one !== undefined, (query) => query.where('id', '=', one!))
          .executeTakeFirstOrThrow()
        const woken = await trx
          .updateTable('gs_outbox')
          .set({ next_attempt_at: now() })
          .where('state', '=', 'waiting')
          .where('kind', 'not in', accountEventTypes)
          // Those nearer may be in a worker's hands right now, and are tried soon anyway.
          .where('next_attempt_at', '>', now() + claimTime)
          .$if(one !== undefined, (query) => query.where('id', '=', one!))
          .executeTakeFirst()
        const dead = await trx
          .updateTable('gs_outbox')
          // As if it were new: a mail is given up some time after it was created.
          .set({ state: 'waiting', attempts: 0, created_at: now(), next_attempt_at: now(), finished_at: null })
          .where('state', '=', 'dead')
          .$if(one !== undefined, (query) => query.where('id', '=', one!))
          .executeTakeFirst()
        const mails = Number(woken.numUpdatedRows + dead.numUpdatedRows)
        if (one === undefined && mails > 0) await record({ action: 'retry-mail', accountId: null, details: { mails } })
        if (one !== undefined && mails > 0) {
          const mail = await trx
            .selectFrom('gs_outbox')
            .select(['kind', 'account_id', 'parameters'])
            .where('id', '=', one)
            .executeTakeFirstOrThrow()
          await record({ action: 'retry-mail', accountId: await accountIdOf(trx, mail), details: { mail: one, kind: mail.kind } })
        }
        return Number(waiting) + Number(dead.numUpdatedRows)
      }),

    drop: (id) =>
      audited(async (trx, record) => {
        const mail = await trx
          .deleteFrom('gs_outbox')
          .where('id', '=', id)
          .where('state', '!=', 'sent')
          .where('kind', 'not in', accountEventTypes)
          .returning(['kind', 'account_id', 'parameters'])
          .executeTakeFirst()
        if (mail === undefined) return false
        // Without its mail nobody learns that his password was changed.
        const accountId = await accountIdOf(trx, mail)
        const account = accountId === null ? null : await lockAccount(trx, accountId)
        if (account !== null) await actor.mayChange(trx, account)
        await record({ action: 'drop-mail', accountId, details: { mail: id, kind: mail.kind } })
        return true
      })
  }
}
