import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { issueLink, tokenOfLink, type LinkPurpose } from '../accounts/email-links.ts'
import { createKeyRing } from '../crypto/tokens.ts'
import type { GsDatabase } from '../database/database.ts'
import type { MailKind } from '../mail/messages.ts'
import { claimTime, createOutbox, type Outbox, type OutboxSettings } from '../mail/outbox.ts'
import type { Mail, Mailer } from '../options.ts'
import { createMessages } from '../texts/messages.ts'
import { Clock } from './build.ts'
import { Queue } from './queue.ts'

const linkPurposes: { readonly [kind in MailKind]?: LinkPurpose } = {
  'verify-email': 'verify-email',
  'forgot-password': 'forgot-password',
  'password-off': 'forgot-password',
  'change-email': 'change-email',
  'email-changed': 'undo-email'
}

/** Of the links in the mails of a `TestOutbox`. */
export const linkKeys = createKeyRing(['only-for-tests-0123456789-abcdefghij'])

export const alice = { value: 'Alice@mail.test', key: 'alice@mail.test' }

/** Takes mail, or does what the test says. */
export class TestMailer implements Mailer {
  readonly taken = new Queue<Mail>()
  closed = false
  deliver: (mail: Mail) => Promise<void> | void = () => undefined
  async send(mail: Mail): Promise<void> {
    if (mail.to === 'probe@mail.test') return
    await this.deliver(mail)
    this.taken.push(mail)
  }
  close(): void {
    this.closed = true
  }
}

export interface LogEntry {
  readonly level: string
  readonly facts: { mail?: string; retryIn?: number; attempts?: number; code?: string; reason?: string }
  readonly message: string
}

/** An outbox with what the plugin gives it, and everything that it logs. */
export class TestOutbox {
  readonly clock: Clock
  readonly mailer = new TestMailer()
  readonly logged = new Queue<LogEntry>()
  readonly database: GsDatabase
  readonly outbox: Outbox
  /** Those that are on their way: any worker on the same database may be the one that sends a probe. */
  static readonly #probes = new Map<string, () => void>()

  constructor(database: GsDatabase, settings: Partial<OutboxSettings> = {}, clock = new Clock()) {
    this.database = database
    this.clock = clock
    const log = (level: string) => (given: unknown, message?: unknown) => {
      const facts = given as LogEntry['facts']
      const probed = TestOutbox.#probes.get(facts.mail ?? '')
      if (probed !== undefined) probed()
      else this.logged.push({ level, facts, message: String(message) })
    }
    this.outbox = createOutbox({
      database,
      mailer: this.mailer,
      context: {
        siteName: 'Test site',
        loginUrl: 'https://site.test/',
        contact: '',
        messages: createMessages({ language: 'en', languages: ['en', 'de', 'es', 'fr', 'ja', 'ar'], messages: {} })
      },
      linkUrl: async (_kind, linkId) => {
        const token = await tokenOfLink(database.db, linkKeys, linkId, clock.now)
        return token === null ? null : `https://site.test/confirm?token=${token}`
      },
      tellEvent: () => null,
      host: 'site.test',
      log: { info: log('info'), warn: log('warn'), error: log('error') },
      now: () => clock.now,
      ...settings
    })
  }

  /** Queues a mail as the flows do, and gives its id. `linkOf`: the account of its link, when the mail itself outlives it. */
  async enqueue(
    kind: MailKind = 'password-changed',
    accountId: string | null = null,
    recipient = alice,
    linkOf = accountId!
  ): Promise<string> {
    const purpose = linkPurposes[kind]
    const parameters = { username: 'Alice', ip: '192.0.2.7', lifetime: 1_800_000 }
    return this.database.transaction(async (trx) => {
      const link =
        purpose !== undefined
          ? await issueLink(trx, linkKeys, {
              purpose,
              accountId: linkOf,
              email: recipient.value,
              now: this.clock.now,
              lifetime: 1_800_000
            })
          : undefined
      const before = await trx.selectFrom('gs_outbox').select('id').execute()
      await this.outbox.enqueue(trx, { kind, accountId, recipient, parameters, ...(link !== undefined && { linkId: link.id }) })
      const after = await trx.selectFrom('gs_outbox').select('id').execute()
      return after.find(({ id }) => !before.some((row) => row.id === id))!.id
    })
  }

  row(id: string) {
    return this.database.db.selectFrom('gs_outbox').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
  }

  /** Waits for the next entry of the log, which must be this one. */
  async expect(message: RegExp): Promise<LogEntry> {
    const entry = await this.logged.next()
    assert.match(entry.message, message)
    return entry
  }

  /** Works on what is due, and comes back when nothing is: a mail of the test's own shows that the worker has looked. */
  async work(): Promise<void> {
    const probe = await this.enqueue('account-deleted', null, { value: 'probe@mail.test', key: 'probe@mail.test' })
    const { promise: probed, resolve } = Promise.withResolvers<void>()
    TestOutbox.#probes.set(probe, resolve)
    this.outbox.start()
    await probed
    const due = () =>
      this.database.db
        .selectFrom('gs_outbox')
        .select('id')
        .where('state', 'in', ['waiting', 'event'])
        .where('next_attempt_at', '<=', this.clock.now)
        // An event waits for those of its account that were postponed.
        .where((eb) =>
          eb.not(
            eb.exists(
              eb
                .selectFrom('gs_outbox as earlier')
                .select('earlier.id')
                .whereRef('earlier.recipient_key', '=', 'gs_outbox.recipient_key')
                .where('earlier.state', '=', 'event')
                .where('earlier.next_attempt_at', '>', this.clock.now)
                // Those that are being told are no reason to stop.
                .where('earlier.next_attempt_at', '!=', this.clock.now + claimTime)
            )
          )
        )
        .execute()
    while ((await due()).length > 0) await setImmediate()
    await this.outbox.stop()
    await this.database.db.deleteFrom('gs_outbox').where('id', '=', probe).execute()
    TestOutbox.#probes.delete(probe)
  }
}
