import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { issueLink, redeemLink, tokenOfLink, voidLinks, type VoidablePurpose } from '../accounts/email-links.ts'
import type { GsDatabase } from '../database/database.ts'
import { openPostgres } from '../database/postgres.ts'
import { openSqlite } from '../database/sqlite.ts'
import type { Mail } from '../options.ts'
import { seedAccount } from '../testing/accounts.ts'
import { build, Clock, password } from '../testing/build.ts'
import { trustCertificate } from '../testing/certificate.ts'
import { emptyPostgres, engines, temporaryDirectory } from '../testing/databases.ts'
import { alice, linkKeys, TestOutbox } from '../testing/outbox.ts'
import { Queue } from '../testing/queue.ts'
import { closedPort, politeAnswers, smtpError, startLineServer, startSmtpSink } from '../testing/smtp-sink.ts'
import { createSmtpMailer } from './mailer.ts'
import type { MailKind } from './messages.ts'
import type { OutboxSettings } from './outbox.ts'

const day = 86_400

/** Opens the database, and boxes on it that are closed before it is. */
async function open(t: TestContext, engine: (typeof engines)[number]) {
  const boxes: TestOutbox[] = []
  t.after(() => Promise.all(boxes.map(({ outbox }) => outbox.stop())))
  const database = await engine.open(t)
  const openBox = (settings: Partial<OutboxSettings> = {}, clock?: Clock) => {
    const box = new TestOutbox(database, settings, clock)
    boxes.push(box)
    return box
  }
  return { database, openBox }
}

const openOne = async (t: TestContext, engine: (typeof engines)[number]) => (await open(t, engine)).openBox()

const token = (mail: Mail) => /\?token=([\w-]+)/.exec(mail.text)?.[1]

for (const engine of engines) {
  describe(`outbox on ${engine.name}`, () => {
    it('sends what was committed, once, and forgets what it said', async (t) => {
      const box = await openOne(t, engine)
      await seedAccount(box.database.db, 'alice')
      box.outbox.start()
      const id = await box.enqueue('verify-email', 'alice')
      box.outbox.wake()
      await box.expect(/^mail sent$/)
      const [mail] = box.mailer.taken.all
      assert.equal(mail?.to, 'Alice@mail.test')
      assert.equal(mail.messageId, `${id}@site.test`)
      assert.match(mail.subject, /^Confirm your address/)
      assert.match(mail.text, /https:\/\/site\.test\/confirm\?token=[\w-]{48}\n/)
      const { state, parameters, attempts, finished_at } = await box.row(id)
      assert.deepEqual([state, parameters, attempts, finished_at], ['sent', '{}', 1, box.clock.now])
      await box.work()
      assert.equal(box.mailer.taken.all.length, 1)
    })

    it('sends nothing of a transaction that fails, and nothing before it is started', async (t) => {
      const box = await openOne(t, engine)
      const failing = box.database.transaction(async (trx) => {
        await box.outbox.enqueue(trx, { kind: 'account-deleted', accountId: null, recipient: alice, parameters: { username: 'a' } })
        throw new Error('no')
      })
      await assert.rejects(failing, /^Error: no$/)
      await box.work()
      await box.enqueue()
      box.outbox.wake()
      assert.deepEqual(box.mailer.taken.all, [])
      await box.work()
      assert.equal(box.mailer.taken.all.length, 1)
    })

    it('tries again with longer and longer waits, never early, and with the same Message-ID and link', async (t) => {
      const box = await openOne(t, engine)
      await seedAccount(box.database.db, 'alice')
      const tries: Mail[] = []
      box.mailer.deliver = (mail) => {
        tries.push(mail)
        throw smtpError(450)
      }
      const id = await box.enqueue('verify-email', 'alice')
      for (const [index, seconds] of [2, 4, 8, 16, 32, 64, 128, 256, 512].entries()) {
        await box.work()
        assert.equal((await box.expect(/waits/)).facts.retryIn, seconds * 1000)
        box.clock.advance(seconds - 0.001)
        await box.work()
        assert.equal(tries.length, index + 1)
        box.clock.advance(0.001)
      }
      box.mailer.deliver = () => undefined
      await box.work()
      const [sent] = box.mailer.taken.all
      for (const mail of tries) assert.deepEqual(mail, sent)
      assert.equal(sent?.messageId, `${id}@site.test`)
    })

    it('waits at most a quarter of an hour, and gives up after a day', async (t) => {
      const box = await openOne(t, engine)
      box.mailer.deliver = () => {
        throw new Error('down')
      }
      const id = await box.enqueue()
      const waits = new Set<number>()
      for (let hours = 0; hours < 24; hours += 0.25) {
        await box.work()
        const { state, next_attempt_at } = await box.row(id)
        assert.equal(state, 'waiting', `after ${hours} hours`)
        waits.add(next_attempt_at - box.clock.now)
        box.clock.advance(900)
      }
      assert.equal(Math.max(...waits), 900_000)
      await box.work()
      box.clock.advance(900)
      await box.work()
      const { state, last_error, finished_at } = await box.row(id)
      assert.deepEqual([state, last_error, finished_at], ['dead', 'down', box.clock.now])
      assert.equal(box.logged.all.filter(({ level, message }) => level === 'error' && message === 'mail given up').length, 1)
    })

    it('does not try again what was refused for good, and keeps the reason', async (t) => {
      const box = await openOne(t, engine)
      box.mailer.deliver = () => {
        throw Object.assign(new Error('550 no such mailbox'), { permanent: true })
      }
      const id = await box.enqueue()
      await box.work()
      const { state, last_error } = await box.row(id)
      assert.deepEqual([state, last_error], ['dead', '550 no such mailbox'])
      box.mailer.deliver = () => undefined
      box.clock.advance(day)
      await box.work()
      assert.deepEqual(box.mailer.taken.all, [])
    })

    it('wakes by itself when a mail is due again', async (t) => {
      const box = await openOne(t, engine)
      let refuse = true
      box.mailer.deliver = () => {
        if (refuse) throw new Error('down')
      }
      const real = globalThis.setTimeout
      t.mock.method(globalThis, 'setTimeout', (callback: () => void, delay: number, ...rest: []) => {
        if (delay !== 2_000) return real(callback, delay, ...rest)
        refuse = false
        box.clock.advance(2)
        return real(callback)
      })
      await box.enqueue()
      box.outbox.start()
      await box.expect(/waits/)
      await box.expect(/^mail sent$/)
    })

    it('is not stopped by a mail that it cannot read, by a failing look-up or by a mailer that throws no error', async (t) => {
      let lookups = 0
      const { database, openBox } = await open(t, engine)
      await seedAccount(database.db, 'alice')
      const box = openBox({
        linkUrl: async () => {
          if (++lookups === 1) throw new Error('database away')
          return 'https://site.test/x?token=y'
        }
      })
      const unknown = await box.enqueue()
      const damaged = await box.enqueue()
      const linked = await box.enqueue('verify-email', 'alice')
      const odd = await box.enqueue('account-deleted')
      const fine = await box.enqueue()
      await box.database.db.updateTable('gs_outbox').set({ kind: 'from-the-future' }).where('id', '=', unknown).execute()
      await box.database.db.updateTable('gs_outbox').set({ parameters: '{' }).where('id', '=', damaged).execute()
      box.mailer.deliver = (mail) => {
        if (/deleted/.test(mail.subject)) throw 'just words'
      }
      await box.work()
      assert.deepEqual((await box.row(fine)).state, 'sent')
      assert.deepEqual((await box.row(odd)).last_error, 'just words')
      box.clock.advance(2)
      await box.work()
      assert.equal((await box.row(linked)).state, 'sent')
      for (let hours = 0; hours < 25; hours++) {
        box.clock.advance(3600)
        await box.work()
      }
      for (const id of [unknown, damaged, odd]) assert.equal((await box.row(id)).state, 'dead')
    })

    it('sends mails that waited when it is started again', async (t) => {
      const { openBox } = await open(t, engine)
      const before = openBox()
      before.mailer.deliver = () => {
        throw new Error('down')
      }
      const ids = [await before.enqueue(), await before.enqueue('account-deleted')]
      await before.work()
      before.clock.advance(2)
      const after = openBox({}, before.clock)
      await after.work()
      assert.deepEqual(after.mailer.taken.all.map(({ messageId }) => messageId).sort(), ids.map((id) => `${id}@site.test`).sort())
    })

    it('leaves a mail to the worker that took it for ten seconds, then sends it again with the same Message-ID and link', async (t) => {
      const reached = new Queue<Mail>()
      const gate = Promise.withResolvers<void>()
      // Before the worker is stopped, which waits for it.
      t.after(() => gate.resolve())
      const { database, openBox } = await open(t, engine)
      await seedAccount(database.db, 'alice')
      const killed = openBox()
      killed.mailer.deliver = (mail) => {
        reached.push(mail)
        return gate.promise
      }
      const id = await killed.enqueue('forgot-password', 'alice')
      killed.outbox.start()
      const first = await reached.next()

      const other = openBox({}, killed.clock)
      await other.work()
      other.clock.advance(9.999)
      await other.work()
      assert.deepEqual(other.mailer.taken.all, [])
      other.clock.advance(0.001)
      await other.work()
      assert.deepEqual(other.mailer.taken.all, [first])
      assert.equal(first.messageId, `${id}@site.test`)
      assert.equal((await other.row(id)).attempts, 2)
    })

    it('keeps a mail for itself as long as it takes to send it', async (t) => {
      t.mock.timers.enable({ apis: ['setInterval'] })
      const reached = new Queue<Mail>()
      const gate = Promise.withResolvers<void>()
      t.after(() => gate.resolve())
      const { database, openBox } = await open(t, engine)
      await seedAccount(database.db, 'alice')
      const slow = openBox()
      slow.mailer.deliver = (mail) => {
        reached.push(mail)
        return gate.promise
      }
      const id = await slow.enqueue('forgot-password', 'alice')
      slow.outbox.start()
      await reached.next()
      const other = openBox({}, slow.clock)
      for (let i = 0; i < 3; i++) {
        other.clock.advance(9)
        const before = (await other.row(id)).next_attempt_at
        t.mock.timers.tick(3000)
        while ((await other.row(id)).next_attempt_at === before) await setImmediate()
        await other.work()
        assert.deepEqual(other.mailer.taken.all, [])
      }
    })

    describe('a mail that has become pointless is not sent:', () => {
      const purposes: readonly VoidablePurpose[] = ['verify-email', 'forgot-password', 'change-email']
      const cases: readonly [name: string, act: (box: TestOutbox, purpose: VoidablePurpose) => Promise<unknown>][] = [
        [
          'the link was used',
          async ({ database, clock }, purpose) => {
            const { id } = await database.db.selectFrom('gs_links').select('id').executeTakeFirstOrThrow()
            assert.ok((await redeemLink(database.db, purpose, (await tokenOfLink(database.db, linkKeys, id, clock.now))!, clock.now)).ok)
          }
        ],
        ['the link is void', ({ database, clock }) => voidLinks(database.db, 'alice', clock.now)],
        [
          'a newer link was issued',
          ({ database, clock }, purpose) =>
            database.transaction((trx) =>
              issueLink(trx, linkKeys, { purpose, accountId: 'alice', email: 'x', now: clock.now, lifetime: 1000 })
            )
        ],
        ['the link has expired', async ({ clock }) => clock.advance(1800)],
        ['the account was deleted', ({ database }) => database.db.deleteFrom('gs_accounts').execute()]
      ]
      for (const [name, act] of cases) {
        it(name, async (t) => {
          for (const purpose of purposes) {
            const box = await openOne(t, engine)
            await seedAccount(box.database.db, 'alice')
            await box.enqueue(purpose, 'alice')
            await act(box, purpose)
            const other = await box.enqueue('account-deleted')
            await box.work()
            assert.deepEqual(
              box.mailer.taken.all.map(({ messageId }) => messageId),
              [`${other}@site.test`]
            )
            const states = await box.database.db.selectFrom('gs_outbox').select('state').where('id', '!=', other).execute()
            assert.ok(states.every(({ state }) => state === 'dead'))
          }
        })
      }
    })

    describe('the mail to a former address', () => {
      const openBox = async (t: TestContext) => {
        const box = await openOne(t, engine)
        await seedAccount(box.database.db, 'alice')
        return { box, id: await box.enqueue('email-changed', null, alice, 'alice') }
      }

      it('is not sent when the change has been undone', async (t) => {
        const { box, id } = await openBox(t)
        await voidLinks(box.database.db, 'alice', box.clock.now)
        const link = await box.database.db.selectFrom('gs_links').select('id').executeTakeFirstOrThrow()
        const token = (await tokenOfLink(box.database.db, linkKeys, link.id, box.clock.now))!
        assert.ok((await redeemLink(box.database.db, 'undo-email', token, box.clock.now)).ok)
        await box.work()
        assert.deepEqual([box.mailer.taken.all, (await box.row(id)).state], [[], 'dead'])
      })

      it('is sent without a link when the account has been deleted', async (t) => {
        const { box, id } = await openBox(t)
        await box.database.db.deleteFrom('gs_accounts').execute()
        await box.work()
        const mail = await box.mailer.taken.next()
        assert.match(mail.text, /cannot be undone any more/)
        assert.doesNotMatch(mail.text + mail.html, /token|href/)
        assert.equal((await box.row(id)).state, 'sent')
      })
    })

    it('allows five mails of a kind to one address within an hour', async (t) => {
      const box = await openOne(t, engine)
      const allows = (kind: MailKind, key = alice.key) => box.outbox.allows(box.database.db, kind, { value: key, key })
      for (let n = 0; n < 5; n++) {
        assert.equal(await allows('password-changed'), true)
        await box.enqueue()
        box.clock.advance(60)
      }
      for (const state of ['waiting', 'sent']) {
        assert.equal(await allows('password-changed'), false, state)
        assert.equal(await allows('account-deleted'), true)
        assert.equal(await allows('password-changed', 'bob@mail.test'), true)
        await box.work()
      }
      box.clock.advance(3600 - 300)
      assert.equal(await allows('password-changed'), true)
      await box.enqueue()
      assert.equal(await allows('password-changed'), false)
    })

    it('counts mails whose account is gone, so that signing up and deleting does not buy more of them', async (t) => {
      const box = await openOne(t, engine)
      for (let n = 0; n < 5; n++) {
        await seedAccount(box.database.db, 'alice')
        await box.enqueue('verify-email', 'alice')
        await box.work()
        await box.database.db.deleteFrom('gs_accounts').execute()
      }
      assert.equal(box.mailer.taken.all.length, 5)
      assert.equal(await box.outbox.allows(box.database.db, 'verify-email', alice), false)
    })

    it('lets the mails that are being sent end when it is stopped, begins no other, and then closes the mailer', async (t) => {
      const box = await openOne(t, engine)
      const reached = new Queue<Mail>()
      const gate = Promise.withResolvers<void>()
      box.mailer.deliver = async (mail) => {
        reached.push(mail)
        await gate.promise
        assert.equal(box.mailer.closed, false)
      }
      for (let n = 0; n < 10; n++) await box.enqueue()
      box.outbox.start()
      await reached.next()
      let stopped = false
      const stopping = box.outbox.stop().then(() => (stopped = true))
      box.outbox.wake()
      await setImmediate()
      assert.deepEqual([stopped, box.mailer.closed], [false, false])
      gate.resolve()
      await stopping
      assert.equal(box.mailer.closed, true)
      box.outbox.wake()
      const rows = await box.database.db.selectFrom('gs_outbox').select(['state', 'attempts']).execute()
      const sent = rows.filter(({ state }) => state === 'sent').length
      assert.equal(sent, reached.all.length)
      assert.ok(sent < 10)
      assert.ok(rows.every(({ state, attempts }) => attempts === (state === 'sent' ? 1 : 0)))
    })

    it('writes nothing into the log that opens an account or says who somebody is', async (t) => {
      const box = await openOne(t, engine)
      await seedAccount(box.database.db, 'alice')
      const outcomes = [
        () => undefined,
        (mail: Mail) => {
          throw Object.assign(new Error(`450 <${mail.to}> greylisted ${mail.text}`), { code: 'EENVELOPE' })
        },
        (mail: Mail) => {
          throw Object.assign(new Error(`550 <${mail.to}> unknown ${mail.text}`), { permanent: true })
        }
      ]
      const tokens: string[] = []
      for (const outcome of outcomes) {
        box.mailer.deliver = (mail) => {
          tokens.push(token(mail) ?? '')
          outcome(mail)
        }
        await box.enqueue('verify-email', 'alice')
        await box.work()
      }
      const text = JSON.stringify(box.logged.all)
      assert.deepEqual(
        box.logged.all.map(({ level, message }) => `${level}: ${message}`),
        ['info: mail sent', 'warn: mail could not be sent and waits', 'error: mail given up']
      )
      assert.equal(tokens.filter((value) => value.length === 48).length, 3)
      for (const secret of [...tokens, alice.value, 'mail.test', 'Alice', '192.0.2.7', 'greylisted', 'unknown'])
        assert.ok(!text.includes(secret), `${secret} in ${text}`)
    })

    it('says which mail server does not answer, and repeats nothing of what one says', async (t) => {
      const box = await openOne(t, engine)
      await seedAccount(box.database.db, 'alice')
      for (const [code, message, reason] of [
        ['ESOCKET', 'connect ECONNREFUSED 192.0.2.1:25', 'connect ECONNREFUSED 192.0.2.1:25'],
        ['EDNS', 'getaddrinfo ENOTFOUND mail.example', 'getaddrinfo ENOTFOUND mail.example'],
        ['EENVELOPE', '450 greylisted', undefined]
      ] as const) {
        box.mailer.deliver = () => {
          throw Object.assign(new Error(message), { code })
        }
        await box.enqueue('verify-email', 'alice')
        await box.work()
        const { facts } = await box.expect(/could not be sent and waits/)
        assert.deepEqual([facts.code, facts.reason], [code, reason])
      }
    })

    it('forgets finished mails after a week, never those that wait', async (t) => {
      const box = await openOne(t, engine)
      const old = await box.enqueue()
      await box.work()
      box.clock.advance(1)
      const younger = await box.enqueue('account-deleted')
      await box.work()
      const waiting = await box.enqueue()
      const left = async () => (await box.database.db.selectFrom('gs_outbox').select('id').execute()).map(({ id }) => id).sort()
      await box.outbox.prune(box.database.db, box.clock.now + 7 * day * 1000 - 1000)
      assert.deepEqual(await left(), [old, younger, waiting].sort())
      await box.outbox.prune(box.database.db, box.clock.now + 7 * day * 1000)
      assert.deepEqual(await left(), [younger, waiting].sort())
      await box.outbox.prune(box.database.db, box.clock.now + 365 * day * 1000)
      assert.deepEqual(await left(), [waiting])
    })

    it('reaches a mail server that comes back, and one that wants to be asked later', async (t) => {
      const { openBox } = await open(t, engine)
      const port = await closedPort()
      const from = { name: '', address: 'noreply@site.test' }
      const box = openBox({
        mailer: createSmtpMailer({ url: new URL(`smtp://127.0.0.1:${port}`), from, allowInsecure: false })
      })
      const id = await box.enqueue()
      box.outbox.start()
      assert.equal((await box.expect(/waits/)).facts.code, 'ESOCKET')
      let greylisted = false
      const sink = await startSmtpSink(t, {
        port,
        onRcptTo(_address, _session, done) {
          done(greylisted ? null : smtpError(450))
          greylisted = true
        }
      })
      box.clock.advance(2)
      box.outbox.wake()
      assert.equal((await box.expect(/waits/)).facts.attempts, 2)
      box.clock.advance(4)
      box.outbox.wake()
      await box.expect(/^mail sent$/)
      const { to, parsed } = await sink.next()
      assert.deepEqual([to, parsed.messageId], [['Alice@mail.test'], `<${id}@site.test>`])
    })

    it('sends again, with the same Message-ID and link, what a server took and did not acknowledge', async (t) => {
      const { database, openBox } = await open(t, engine)
      await seedAccount(database.db, 'alice')
      const server = await startLineServer(t, {
        greet: (socket) => void socket.write('220 hello\r\n'),
        answer: politeAnswers((socket, count) => (count === 0 ? void socket.resetAndDestroy() : '250 taken'))
      })
      const from = { name: '', address: 'noreply@site.test' }
      const box = openBox({
        mailer: createSmtpMailer({ url: new URL(`smtp://127.0.0.1:${server.port}`), from, allowInsecure: false })
      })
      const id = await box.enqueue('verify-email', 'alice')
      box.outbox.start()
      await box.expect(/waits/)
      box.clock.advance(2)
      box.outbox.wake()
      await box.expect(/^mail sent$/)
      for (const pattern of [/^Message-ID: /i, /^https:\/\/site\.test\/confirm\?token=/]) {
        const found = server.lines.filter((line) => pattern.test(line))
        assert.equal(found.length, 2)
        assert.equal(found[0], found[1])
      }
      assert.ok(server.lines.includes(`Message-ID: <${id}@site.test>`))
    })
  })
}

const twoHandles: readonly { name: string; open: (t: TestContext) => Promise<GsDatabase[]> }[] = [
  {
    name: 'SQLite',
    async open(t) {
      const path = join(temporaryDirectory(t), 'gs.sqlite3')
      return [await openSqlite(path), await openSqlite(path)]
    }
  },
  {
    name: 'PostgreSQL',
    async open() {
      const url = await emptyPostgres()
      return [await openPostgres(url, () => undefined), await openPostgres(url, () => undefined)]
    }
  }
]

for (const { name, open } of twoHandles) {
  it(`two workers with their own connections to one ${name} database send each mail once`, async (t) => {
    const databases = await open(t)
    const clock = new Clock()
    const workers = databases.map((database) => new TestOutbox(database, {}, clock))
    t.after(() => Promise.all(databases.map((database) => database.close())))
    const ids: string[] = []
    for (let n = 0; n < 40; n++) ids.push(await workers[0]!.enqueue())
    // Neither goes on before the other one has got a mail too.
    const begun = workers.map(() => Promise.withResolvers<void>())
    for (const [index, { mailer, outbox }] of workers.entries()) {
      mailer.deliver = async () => {
        begun[index]!.resolve()
        await Promise.all(begun.map(({ promise }) => promise))
      }
      outbox.start()
    }
    const waiting = () => databases[0]!.db.selectFrom('gs_outbox').select('id').where('state', '=', 'waiting').execute()
    while ((await waiting()).length > 0) await setImmediate()
    await Promise.all(workers.map(({ outbox }) => outbox.stop()))
    const sent = workers.map(({ mailer }) => mailer.taken.all.map(({ messageId }) => messageId))
    assert.deepEqual(sent.flat().sort(), ids.map((id) => `${id}@site.test`).sort())
    for (const mails of sent) assert.ok(mails.length > 0)
    const failures = workers.flatMap(({ logged }) => logged.all.filter(({ level }) => level !== 'info'))
    assert.deepEqual(failures, [])
  })
}

it('mails of a process that is killed in the middle are all sent, none more than twice, and then with the same link', async (t) => {
  const path = join(temporaryDirectory(t), 'gs.sqlite3')
  const stuck = Promise.withResolvers<void>()
  let seen = 0
  const sink = await startSmtpSink(t, {
    // The tenth mail is taken, and the answer never comes.
    accept() {
      if (++seen !== 10) return undefined
      stuck.resolve()
      return new Promise<void>(() => undefined)
    }
  })
  const mailerSettings = { from: { name: '', address: 'noreply@site.test' }, allowInsecure: false }
  const url = `smtp://127.0.0.1:${sink.port}`
  const module = (name: string) => JSON.stringify(new URL(name, import.meta.url).href)
  const code = `
    const { openSqlite } = await import(${module('../database/sqlite.ts')})
    const { seedAccount } = await import(${module('../testing/accounts.ts')})
    const { TestOutbox } = await import(${module('../testing/outbox.ts')})
    const { createSmtpMailer } = await import(${module('./mailer.ts')})
    const mailer = createSmtpMailer({ ...${JSON.stringify(mailerSettings)}, url: new URL('${url}') })
    const box = new TestOutbox(await openSqlite(${JSON.stringify(path)}), { mailer })
    for (let n = 0; n < 20; n++) {
      await seedAccount(box.database.db, 'user' + n)
      await box.enqueue('forgot-password', 'user' + n)
    }
    box.outbox.start()
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'ignore', 'inherit'] })
  await stuck.promise
  child.kill('SIGKILL')
  await once(child, 'exit')
  const before = sink.mails.length

  const database = await openSqlite(path)
  t.after(() => database.close())
  const ids = (await database.db.selectFrom('gs_outbox').select('id').execute()).map(({ id }) => `<${id}@site.test>`)
  assert.equal(ids.length, 20)
  const clock = new Clock()
  clock.advance(120)
  const box = new TestOutbox(database, { mailer: createSmtpMailer({ ...mailerSettings, url: new URL(url) }) }, clock)
  box.outbox.start()
  const open = () => database.db.selectFrom('gs_outbox').select('id').where('state', '=', 'waiting').execute()
  while ((await open()).length > 0) await setImmediate()
  await box.outbox.stop()

  assert.ok(before >= 5 && sink.mails.length < before + 20, 'those that were sent before are not sent again')
  for (const id of ids) {
    const same = sink.mails.filter(({ parsed }) => parsed.messageId === id)
    assert.ok(same.length === 1 || same.length === 2, `${same.length} times`)
    assert.equal(new Set(same.map(({ parsed }) => parsed.text)).size, 1)
  }
})

it('comes to its mail server with a resumed connection after the first', async (t) => {
  trustCertificate(t)
  const { openBox } = await open(t, engines[0]!)
  const sink = await startSmtpSink(t, { secure: true })
  const from = { name: '', address: 'noreply@site.test' }
  const box = openBox({ mailer: createSmtpMailer({ url: new URL(`smtps://0.0.0.0:${sink.port}`), from, allowInsecure: false }) })
  box.outbox.start()
  const resumed: (boolean | null)[] = []
  for (let count = 0; count < 3; count++) {
    await box.enqueue()
    box.outbox.wake()
    await box.expect(/^mail sent$/)
    resumed.push((await sink.next()).resumed)
    await sink.cut()
  }
  assert.deepEqual(resumed, [false, true, true])
})

describe('mails of an application', () => {
  const smtp = (port: number) => ({ mail: { smtp: `smtp://127.0.0.1:${port}`, from: 'Test <noreply@site.test>' } })
  const base = 'http://localhost:7681/'

  it('are each sent once by the configured sender to the stored address, and link to nothing but the configured origin', async (t) => {
    const sink = await startSmtpSink(t)
    const { browser } = await build(t, smtp(sink.port))
    const carol = browser()
    const lies = { host: 'evil.test', 'x-forwarded-host': 'evil.test', forwarded: 'host=evil.test', 'x-forwarded-proto': 'gopher' }
    const linkToken = async (subject: RegExp) => {
      const { parsed } = await sink.next()
      assert.match(parsed.subject!, subject)
      return /\?token=([\w-]+)/.exec(parsed.text!)![1]!
    }
    const email = 'Carol+x@Mail.test'
    const answers = [
      await carol.post('/lwsgs/register', { username: 'Carol', email, password }, lies),
      await carol.post('/lwsgs/verify-email', { token: await linkToken(/^Confirm/) }),
      await browser().post('/lwsgs/forgot-password', { username: 'carol' }, lies),
      await carol.post('/lwsgs/forgot-password/redeem', { token: await linkToken(/^Set a new/) }),
      await carol.post('/lwsgs/change-password', { password: `new ${password}` }, lies),
      await browser().post('/lwsgs/register', { username: 'Dave', email: email.toLowerCase(), password }, lies)
    ]
    // Mails about the account that have not been sent would go with it.
    for (let n = 0; n < 2; n++) await sink.next()
    answers.push(await carol.post('/lwsgs/delete-account', { currentPassword: `new ${password}` }, lies))
    await sink.next()
    assert.deepEqual(
      answers.map(({ statusCode }) => statusCode),
      [202, 200, 202, 200, 200, 202, 200]
    )
    const subjects = [
      'Confirm your address for Test site',
      'Set a new password for Test site',
      'You already have an account at Test site',
      'Your account at Test site was deleted',
      'Your password for Test site was changed'
    ]
    assert.equal(sink.mails.length, subjects.length)
    assert.deepEqual(new Set(sink.mails.map(({ parsed }) => parsed.subject)), new Set(subjects))
    assert.equal(new Set(sink.mails.map(({ parsed }) => parsed.messageId)).size, 5)
    for (const { from, to, parsed, raw } of sink.mails) {
      assert.deepEqual([from, to], ['noreply@site.test', ['Carol+x@mail.test']])
      assert.deepEqual(parsed.from, { name: 'Test', address: 'noreply@site.test' })
      assert.match(raw, /^Auto-Submitted: auto-generated\r$/m)
      assert.match(parsed.messageId!, /^<[\w-]{16}@localhost>$/)
      assert.doesNotMatch(raw, /evil\.test|gopher|^X-Mailer/im)
      for (const [address] of `${parsed.text} ${parsed.html}`.matchAll(/https?:[^\s"<]*/g)) assert.ok(address.startsWith(base), address)
    }
  })

  it('wait while the mail server is down, are sent after a restart, and their links work', async (t) => {
    const port = await closedPort()
    const before = await build(t, smtp(port))
    for (const username of ['erin', 'frank', 'gina'])
      assert.equal((await before.browser().post('/lwsgs/register', { username, email: `${username}@mail.test`, password })).statusCode, 202)
    // Frank changes his mind before the mail is on its way.
    const frank = before.browser()
    assert.equal((await frank.post('/lwsgs/login', { username: 'frank', password })).statusCode, 200)
    assert.equal((await frank.post('/lwsgs/delete-account', { currentPassword: password })).statusCode, 200)
    await before.app.close()

    const sink = await startSmtpSink(t, { port })
    const clock = new Clock()
    clock.advance(60)
    const after = await build(t, { ...smtp(port), database: { sqlite: before.databasePath }, now: () => clock.now })
    const mails = [await sink.next(), await sink.next()]
    assert.deepEqual(new Set(mails.flatMap(({ to }) => to)), new Set(['erin@mail.test', 'gina@mail.test']))
    for (const { parsed } of mails) {
      const token = /\?token=([\w-]+)/.exec(parsed.text!)![1]!
      assert.equal((await after.browser().post('/lwsgs/verify-email', { token })).json().mask, 5)
    }
    await after.app.close()
    assert.equal(sink.mails.length, 2)
  })
})
