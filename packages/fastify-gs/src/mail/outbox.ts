import { setImmediate as setImmediatePromise, setTimeout as setTimeoutPromise } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import { sql } from 'kysely'
import { createId } from '../crypto/tokens.ts'
import type { Db, GsDatabase, Trx } from '../database/database.ts'
import type { AccountEvent } from '../hooks.ts'
import type { Mailer } from '../options.ts'
import { isAccountEvent, readEvent } from './account-events.ts'
import { hasLink, renderMessage, type LinkTargets, type MailContext, type MailKind, type MailParameters } from './messages.ts'

/** Mails of one kind that one address gets within an hour; more are not sent (ML-05). */
const mailsPerHour = 5
const firstRetry = 2_000
const longestRetry = 900_000
/** After this time a mail that could not be sent is given up. */
const giveUpAfter = 86_400_000
/** A worker's claim on a mail, ms; renewed while it is being sent, so that only a killed worker lets one lapse. */
export const claimTime = 10_000
/** How long a stop waits for mails that are being sent. */
const stopPatience = 3_000
const claimRenewal = 3_000
/** How long a listener may take for an event before it is told again. */
const listenerPatience = 30_000
/** What is said about the security of an account is said even when the account is gone. */
const outlivesAccount = (kind: MailKind) => kind === 'account-deleted' || kind === 'password-changed' || kind === 'email-changed'

/** How long ended mails are remembered, ms. */
const memory = 7 * 86_400_000

const batch = 4
const eventBatch = 16
const longestSleep = 30_000

export interface Recipient {
  readonly value: string
  readonly key: string
  /** In which the mail is written, a BCP 47 tag; missing: that of the site. */
  readonly language?: string | null
}

export interface Outbox {
  /** Whether the address may get one more mail of this kind now. */
  allows(db: Db, kind: MailKind, recipient: Recipient): Promise<boolean>
  /** Queues a mail in the transaction of the change that it is about. `linkId` for the kinds with a link. */
  enqueue<K extends MailKind>(
    trx: Trx,
    mail: { kind: K; accountId: string | null; recipient: Recipient; parameters: MailParameters[K]; linkId?: string }
  ): Promise<void>
  /** Says that a transaction with new mail has been committed. */
  wake(): void
  start(): void
  /** Lets the mails that are being sent end, and stops. */
  stop(): Promise<void>
  prune(db: Db, now: number): Promise<void>
}

export interface OutboxSettings {
  readonly database: GsDatabase
  readonly mailer: Mailer
  readonly context: MailContext
  /** The address behind the link of a mail, or the code in its place; null: it is used, void or gone, and the mail has become pointless. */
  linkUrl(kind: MailKind, linkId: string, targets: LinkTargets): Promise<string | null>
  /** Tells the application of events; rejects when one has to be told again. Null: nobody listens, so they wait. */
  tellEvent(): ((event: AccountEvent) => Promise<void>) | null
  /** Host part of the Message-ID. */
  readonly host: string
  readonly log: Pick<FastifyBaseLogger, 'info' | 'warn' | 'error'>
  readonly now: () => number
}

/** What happens to an account at the same moment happens in this order. */
const orderOf = (table: string) =>
  sql`case ${sql.ref(`${table}.kind`)} when 'accountCreated' then 0 when 'accountVerified' then 1 when 'accountEmailChanged' then 2 else 3 end`

/** What is not done yet: mails and events. */
const waiting = ['waiting', 'event'] as const

interface Due {
  readonly id: string
  readonly kind: string
  readonly recipient: string
  readonly parameters: string
  readonly account_id: string | null
  readonly link_id: string | null
  readonly attempts: number
  readonly created_at: number
  readonly next_attempt_at: number
}

/** Nobody has answered: the message names the server, and no recipient. */
const unreachable = new Set(['ESOCKET', 'ECONNECTION', 'ETIMEDOUT', 'EDNS'])

interface MailerError extends Error {
  readonly permanent?: boolean
  readonly code?: string
}

export function createOutbox(settings: OutboxSettings): Outbox {
  const { database, mailer, log, now } = settings
  let timer: NodeJS.Timeout | undefined
  let working: Promise<void> | undefined
  let telling: Promise<void> | undefined
  let hurry = new AbortController()
  let again = false
  let stopped = true

  const finish = (id: string, state: 'sent' | 'dead', error: string | null) =>
    database.transaction((trx) =>
      trx
        .updateTable('gs_outbox')
        // Who got what is not needed any more; the address key stays for a week, for the limit per address. It stays when the account
        // goes, or whoever deletes and registers again could have mail sent to one address without end.
        .set({
          state,
          finished_at: now(),
          last_error: error,
          ...(state === 'sent' && { parameters: '{}', account_id: null, link_id: null })
        })
        .where('id', '=', id)
        .execute()
    )

  const claim = async (mail: Due): Promise<boolean> => {
    const result = await database.transaction((trx) =>
      trx
        .updateTable('gs_outbox')
        .set({ next_attempt_at: now() + claimTime, attempts: mail.attempts + 1 })
        .where('id', '=', mail.id)
        .where('state', 'in', waiting)
        .where('next_attempt_at', '=', mail.next_attempt_at)
        .executeTakeFirst()
    )
    return result.numUpdatedRows === 1n
  }

  const renewClaim = (mail: Due) => {
    database
      .transaction((trx) =>
        trx
          .updateTable('gs_outbox')
          .set({ next_attempt_at: now() + claimTime })
          .where('id', '=', mail.id)
          .where('state', 'in', waiting)
          .where('attempts', '=', mail.attempts + 1)
          .where('next_attempt_at', '>', now())
          .execute()
      )
      .catch((error: unknown) => log.warn({ err: error, mail: mail.id }, 'the claim on a mail could not be renewed'))
  }

  const deliver = async (mail: Due): Promise<void> => {
    if (!(await claim(mail))) return
    if (isAccountEvent(mail.kind)) return tell(mail)
    const kind = mail.kind as MailKind
    const renewal = setInterval(renewClaim, claimRenewal, mail)
    try {
      if (mail.account_id === null && !outlivesAccount(kind)) return void (await finish(mail.id, 'dead', 'the account is gone'))
      const parameters = JSON.parse(mail.parameters) as never
      const link = mail.link_id === null ? null : await settings.linkUrl(kind, mail.link_id, parameters)
      const pointless = link === null && hasLink(kind) && !(mail.link_id === null && outlivesAccount(kind))
      if (pointless) return void (await finish(mail.id, 'dead', 'the link is no longer valid'))
      const message = renderMessage(kind, parameters, settings.context, link)
      await mailer.send({ to: mail.recipient, ...message, messageId: `${mail.id}@${settings.host}` })
    } catch (error) {
      clearInterval(renewal)
      await postpone(mail, error)
      return
    } finally {
      clearInterval(renewal)
    }
    await finish(mail.id, 'sent', null)
    log.info({ mail: mail.id, kind }, 'mail sent')
  }

  /** Rejects when somebody takes too long; who hangs must hold up neither the other events nor the stop. */
  const inTime = async (told: Promise<void>) => {
    const { promise: tooLate, reject } = Promise.withResolvers<never>()
    const { signal } = hurry
    const breakOff = () => reject(new Error('the server stopped before the listeners were done'))
    if (signal.aborted) breakOff()
    signal.addEventListener('abort', breakOff)
    const limit = setTimeout(() => reject(new Error(`the listeners were not done after ${listenerPatience} ms`)), listenerPatience).unref()
    try {
      await Promise.race([told, tooLate])
    } finally {
      clearTimeout(limit)
      signal.removeEventListener('abort', breakOff)
    }
  }

  const tell = async (row: Due): Promise<void> => {
    const tellEvent = settings.tellEvent()
    // The last listener has gone since the event was looked up: it waits for the next one.
    if (tellEvent === null) return wait(row, now(), null, row.attempts)
    const renewal = setInterval(renewClaim, claimRenewal, row)
    try {
      await inTime(tellEvent(readEvent(row)))
    } catch (error) {
      clearInterval(renewal)
      log.warn({ err: error, event: row.id, type: row.kind }, 'a listener of onAccountEvent failed')
      return postpone(row, error)
    } finally {
      clearInterval(renewal)
    }
    await finish(row.id, 'sent', null)
  }

  /** Gives up the claim until then. */
  const wait = async ({ id, attempts: before }: Due, until: number, reason: string | null, attempts = before + 1) => {
    await database.transaction((trx) =>
      trx
        .updateTable('gs_outbox')
        .set({ next_attempt_at: until, last_error: reason, attempts })
        .where('id', '=', id)
        .where('state', 'in', waiting)
        .where('attempts', '=', before + 1)
        .execute()
    )
  }

  const postpone = async (mail: Due, error: unknown) => {
    const { message, permanent, code } = (error instanceof Error ? error : new Error(String(error))) as MailerError
    // The server's words may repeat the recipient; they go to the table, not to the log.
    const reason = message.slice(0, 300)
    const facts = { mail: mail.id, kind: mail.kind, attempts: mail.attempts + 1, code, ...(unreachable.has(code ?? '') && { reason }) }
    // An event is told until somebody has taken it: what hangs on it would be wrong for good.
    if (!isAccountEvent(mail.kind) && (permanent === true || now() - mail.created_at > giveUpAfter)) {
      await finish(mail.id, 'dead', reason)
      log.error(facts, 'mail given up')
      return
    }
    const retryIn = Math.min(longestRetry, firstRetry * 2 ** mail.attempts)
    await wait(mail, now() + retryIn, reason)
    if (!isAccountEvent(mail.kind)) log.warn({ ...facts, retryIn }, 'mail could not be sent and waits')
  }

  /** Nothing that happened to the account before waits still: an application that hears of an end before the beginning would get it wrong. */
  const firstOfAccount = sql<boolean>`not exists (
    select 1 from gs_outbox as earlier
    where earlier.recipient_key = gs_outbox.recipient_key and earlier.state = 'event'
      and (earlier.created_at < gs_outbox.created_at
        or (earlier.created_at = gs_outbox.created_at and ${orderOf('earlier')} < ${orderOf('gs_outbox')})))`

  const inOrder = (state: 'waiting' | 'event') =>
    database.db
      .selectFrom('gs_outbox')
      .where('state', '=', state)
      .$if(state === 'event', (query) => query.where(firstOfAccount))
      .orderBy('next_attempt_at')

  const dueOf = (state: 'waiting' | 'event', limit: number): Promise<Due[]> =>
    inOrder(state)
      .select(['id', 'kind', 'account_id', 'recipient', 'parameters', 'link_id', 'attempts', 'created_at', 'next_attempt_at'])
      .where('next_attempt_at', '<=', now())
      .limit(limit)
      .execute()

  /** When something of the state is due next, ms. */
  const nextOf = async (state: 'waiting' | 'event'): Promise<number> => {
    const row = await inOrder(state).select('next_attempt_at').limit(1).executeTakeFirst()
    return row?.next_attempt_at ?? Number.POSITIVE_INFINITY
  }

  const deliverAll = async (rows: readonly Due[]) => {
    const results = await Promise.allSettled(rows.map(deliver))
    const failed = results.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  const dueEvents = async () => (stopped || settings.tellEvent() === null ? [] : dueOf('event', eventBatch))

  /** Beside the mails, which must not wait for a slow listener, and after those that are due, because an import may have left thousands. */
  const tellDue = async (): Promise<void> => {
    let events = await dueEvents()
    if (events.length === 0) return
    const tellAll = async () => {
      for (; events.length > 0; events = await dueEvents()) {
        await deliverAll(events)
        // Nothing on SQLite waits for anything: without this nobody else would be served until the last one is told.
        await setImmediatePromise()
      }
    }
    const end = (delay: number) => {
      telling = undefined
      plan(delay)
    }
    telling = tellAll().then(
      () => end(50),
      (error: unknown) => {
        log.error({ err: error }, 'the account events could not be told')
        end(5_000)
      }
    )
  }

  const work = async (): Promise<void> => {
    for (let mails = await dueOf('waiting', batch); mails.length > 0 && !stopped; mails = await dueOf('waiting', batch))
      await deliverAll(mails)
    if (telling === undefined) await tellDue()
  }

  const plan = (delay: number) => {
    clearTimeout(timer)
    if (!stopped) timer = setTimeout(run, delay).unref()
  }

  const sleep = async () => {
    const mail = await nextOf('waiting')
    const event = telling !== undefined || settings.tellEvent() === null ? mail : await nextOf('event')
    plan(Math.max(50, Math.min(longestSleep, mail - now(), event - now())))
  }

  const run = () => {
    if (stopped) return
    if (working !== undefined) {
      again = true
      return
    }
    clearTimeout(timer)
    working = work()
      .then(sleep)
      .catch((error: unknown) => {
        log.error({ err: error }, 'the outbox could not be worked on')
        plan(5_000)
      })
      .finally(() => {
        working = undefined
        if (again) {
          again = false
          run()
        }
      })
  }

  return {
    async allows(db, kind, recipient) {
      const { count } = await db
        .selectFrom('gs_outbox')
        .select((eb) => eb.fn.countAll().as('count'))
        .where('recipient_key', '=', recipient.key)
        .where('kind', '=', kind)
        .where('created_at', '>', now() - 3_600_000)
        .executeTakeFirstOrThrow()
      return Number(count) < mailsPerHour
    },
    async enqueue(trx, mail) {
      await trx
        .insertInto('gs_outbox')
        .values({
          id: createId(),
          kind: mail.kind,
          account_id: mail.accountId,
          recipient: mail.recipient.value,
          recipient_key: mail.recipient.key,
          parameters: JSON.stringify({ ...mail.parameters, ...(mail.recipient.language && { language: mail.recipient.language }) }),
          link_id: mail.linkId ?? null,
          state: 'waiting',
          created_at: now(),
          next_attempt_at: now(),
          finished_at: null,
          last_error: null
        })
        .execute()
    },
    wake: run,
    start() {
      stopped = false
      hurry = new AbortController()
      run()
    },
    async stop() {
      stopped = true
      clearTimeout(timer)
      // A mail server that hangs must not hold up the stop; what is broken off is sent again after the next start.
      const patience = new AbortController()
      await Promise.race([
        Promise.all([working, telling]),
        setTimeoutPromise(stopPatience, undefined, { ref: false, signal: patience.signal }).catch(() => undefined)
      ])
      patience.abort()
      hurry.abort()
      await mailer.close()
      await Promise.all([working, telling])
    },
    async prune(db, at) {
      await db
        .deleteFrom('gs_outbox')
        .where('state', '!=', 'waiting')
        .where('finished_at', '<', at - memory)
        .execute()
      // For an application that does not listen.
      if (settings.tellEvent() !== null) return
      await db
        .deleteFrom('gs_outbox')
        .where('state', '=', 'event')
        .where('created_at', '<', at - memory)
        .execute()
    }
  }
}
