import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { openAdministration } from '../admin/administration.ts'
import { hashPassword } from '../hash-password.ts'
import type { AccountEvent } from '../hooks.ts'
import type { GsOptions, PasswordHasher } from '../options.ts'
import { build, password, quickHasher, type Browser } from '../testing/build.ts'
import { emptyPostgres } from '../testing/databases.ts'
import { Queue } from '../testing/queue.ts'

const newPassword = 'a brand new password'
const confirmSubject = /Confirm your new/
const changedSubject = /address .* was changed/
const inUseSubject = /in use/

const engines: readonly [name: string, options: () => Promise<Partial<GsOptions>>][] = [
  ['SQLite', async () => ({})],
  ['PostgreSQL', async () => ({ database: { postgres: await emptyPostgres() } })]
]

type Response = Awaited<ReturnType<Browser['post']>>
const facts = (response: Response) => [response.statusCode, response.json<{ code?: string }>().code]

/** An application in which addresses change. */
async function start(t: TestContext, options: Partial<GsOptions> = {}, server = {}) {
  const built = await build(t, options, undefined, server)
  const { browser, inbox } = built
  const ask = (visitor: Browser, email: string, currentPassword = password) =>
    visitor.post('/lwsgs/change-email', { email, currentPassword })
  const confirm = (visitor: Browser, token: string) => visitor.post('/lwsgs/change-email/redeem', { token })
  const undo = (visitor: Browser, token: string) => visitor.post('/lwsgs/change-email/undo', { token })
  /** Asks for the address and gives the token that comes there. */
  const askForToken = async (visitor: Browser, email: string, currentPassword = password) => {
    const seen = inbox.mails.length
    const asked = await ask(visitor, email, currentPassword)
    assert.equal(asked.statusCode, 202, asked.body)
    return inbox.token(email, confirmSubject, seen)
  }
  /** Changes the address from one to the other, and gives the token by which the former mailbox undoes that. */
  const change = async (visitor: Browser, from: string, to: string, currentPassword = password) => {
    const token = await askForToken(visitor, to, currentPassword)
    const seen = inbox.mails.length
    const confirmed = await confirm(visitor, token)
    assert.equal(confirmed.statusCode, 200, confirmed.body)
    return inbox.token(from, changedSubject, seen)
  }
  const logIn = async (username: string, typed = password) => {
    const visitor = browser()
    return facts(await visitor.post('/lwsgs/login', { username, password: typed }))
  }
  const emailOf = async (visitor: Browser) => (await visitor.get('/lwsgs/session')).json<{ email: string | null }>().email
  return { ...built, ask, askForToken, change, confirm, emailOf, logIn, undo }
}

const wrong = [401, 'GS_CREDENTIALS']
const right = [200, undefined]

describe('change-email', () => {
  it('changes nothing until the link in the new mailbox is redeemed; then the new address logs in and the old one does not', async (t) => {
    const heard = new Queue<AccountEvent>()
    const { app, askForToken, confirm, emailOf, inbox, logIn, member } = await start(t)
    const alice = await member('alice')
    app.gs.onAccountEvent((event) => void (event.type.startsWith('accountEmail') && heard.push(event)))
    const token = await askForToken(alice, 'New+x@mail.test')
    assert.equal(await emailOf(alice), 'alice@mail.test')
    assert.deepEqual([await logIn('alice@mail.test'), await logIn('new+x@mail.test')], [right, wrong])

    const cookie = alice.token
    const before = (await alice.get('/lwsgs/session')).json()
    const after = (await confirm(alice, token)).json()
    assert.deepEqual([after.email, after.verified, after.mask, after.session], ['New+x@mail.test', true, 5, before.session])
    assert.notEqual(alice.token, cookie)
    assert.equal(await emailOf(alice), 'New+x@mail.test')
    assert.deepEqual([await logIn('alice@mail.test'), await logIn('new+x@mail.test'), await logIn('alice')], [wrong, right, right])
    const event = await heard.next()
    assert.deepEqual([event.type, event.username, event.email], ['accountEmailChanged', 'alice', 'New+x@mail.test'])
    await inbox.find('alice@mail.test', changedSubject)
    assert.deepEqual(facts(await confirm(alice, token)), [400, 'GS_LINK_USED'])
  })

  it('refuses what cannot be, mails nothing, and changes nothing', async (t) => {
    const admin = { username: 'boss', passwordHash: await hashPassword('the password of the boss') }
    const { browser, inbox, member, emailOf } = await start(t, { admin })
    const alice = await member('alice', 'Alice@mail.test')
    const boss = browser()
    await boss.post('/lwsgs/login', { username: 'boss', password: 'the password of the boss' })
    const seen = inbox.mails.length
    const good = { email: 'new@mail.test', currentPassword: password }
    const cases: [who: Browser, change: object, status: number, code: string, field?: string][] = [
      [browser(), {}, 401, 'GS_NOT_LOGGED_IN'],
      [boss, { currentPassword: 'the password of the boss' }, 403, 'GS_CONFIGURED_ADMIN'],
      [alice, { currentPassword: 'not my password' }, 403, 'GS_CURRENT_PASSWORD', 'currentPassword'],
      [alice, { currentPassword: undefined }, 400, 'GS_BODY_INVALID', 'currentPassword'],
      [alice, { email: undefined }, 400, 'GS_BODY_INVALID', 'email'],
      [alice, { email: ['v@mail.test', 'a@evil.test'] }, 400, 'GS_BODY_INVALID', 'email'],
      [alice, { username: 'bob' }, 400, 'GS_BODY_INVALID', 'username'],
      [alice, { email: 'Alice@mail.test' }, 400, 'GS_EMAIL_SAME', 'email'],
      [alice, { email: 'aLICE@MAIL.test' }, 400, 'GS_EMAIL_SAME', 'email'],
      ...[
        'nowhere',
        'v@mail.test,a@evil.test',
        'v@mail.test;a@evil.test',
        'v@mail.test\r\nBcc: a@evil.test',
        '"a@evil.test x"@mail.test',
        'v@mail.test<a@evil.test>',
        'v@mail.test\0@evil.test',
        '=?utf-8?q?x?=@mail.test'
      ].map((email): (typeof cases)[number] => [alice, { email }, 400, 'GS_EMAIL_INVALID', 'email'])
    ]
    for (const [who, change, status, code, field] of cases) {
      const response = await who.post('/lwsgs/change-email', { ...good, ...change })
      assert.deepEqual([response.statusCode, response.json().code, response.json().field], [status, code, field], JSON.stringify(change))
    }
    assert.equal(await emailOf(alice), 'Alice@mail.test')
    await member('carol')
    assert.deepEqual(
      inbox.mails.slice(seen).map(({ to }) => to),
      ['carol@mail.test']
    )
  })

  it('counts wrong current passwords like failed logins: ten of a known browser, then like those of strangers', async (t) => {
    const { ask, member } = await start(t)
    const alice = await member('alice')
    for (let n = 0; n < 15; n++) await ask(alice, 'new@mail.test', 'not my password')
    assert.deepEqual(facts(await ask(alice, 'new@mail.test')), [429, 'GS_TOO_MANY_ATTEMPTS'])
    assert.deepEqual(facts(await alice.post('/lwsgs/login', { username: 'alice', password })), [429, 'GS_TOO_MANY_ATTEMPTS'])
  })

  it('does not tell whether the new address belongs to somebody, who gets a notice without link', async (t) => {
    const { ask, askForToken, confirm, emailOf, inbox, member } = await start(t)
    const alice = await member('alice')
    const bob = await member('bob')
    const seen = inbox.mails.length
    const answers = []
    for (const email of ['free@mail.test', 'Bob@mail.test', 'other@mail.test', 'bob@mail.test']) {
      const older = await askForToken(alice, `older-than-${email}`)
      const begin = performance.now()
      const { statusCode, body, headers } = await ask(alice, email)
      assert.ok(performance.now() - begin >= 60)
      const { date: _, ...said } = headers
      // The link that was mailed before is void either way: its fate would tell.
      answers.push(JSON.stringify([statusCode, body, said, facts(await confirm(alice, older))]))
    }
    assert.equal(new Set(answers).size, 1)
    assert.match(answers[0]!, /^\[202,.*GS_LINK_USED/)

    const notice = await inbox.find('bob@mail.test', inUseSubject, seen)
    assert.match(notice.text, /^Hello bob,\n[^]*127\.0\.0\.1[^]*your account "bob"/)
    assert.doesNotMatch(notice.text + notice.html, /alice|token=/)
    assert.equal(
      inbox.mails.slice(seen).some(({ to, subject }) => to === 'bob@mail.test' && !inUseSubject.test(subject)),
      false
    )
    assert.deepEqual([await emailOf(alice), await emailOf(bob)], ['alice@mail.test', 'bob@mail.test'])
  })

  it('sends an address five mails in an hour, of a free one and of one in use; what is not sent makes no link void', async (t) => {
    const { ask, askForToken, confirm, inbox, member } = await start(t)
    const alice = await member('alice')
    await member('bob')
    for (const [email, subject] of [
      ['free@mail.test', confirmSubject],
      ['bob@mail.test', inUseSubject]
    ] as const) {
      const count = () => inbox.mails.filter((mail) => mail.to === email && subject.test(mail.subject)).length
      for (let n = 0; n < 5; n++) {
        const seen = inbox.mails.length
        await ask(alice, email)
        await inbox.find(email, subject, seen)
      }
      const token = await askForToken(alice, `last-${email}`)
      assert.equal((await ask(alice, email)).statusCode, 202)
      assert.equal((await confirm(alice, token)).statusCode, 200)
      await alice.post('/lwsgs/forgot-password', { username: 'alice' })
      await inbox.find(`last-${email}`, /Set a new/)
      assert.equal(count(), 5)
    }
  })

  it('lets somebody who mistyped the address at sign-up set another one, which verifies the account', async (t) => {
    const heard = new Queue<AccountEvent>()
    const { app, askForToken, browser, confirm, inbox } = await start(t)
    app.gs.onAccountEvent((event) => heard.push(event))
    const own = browser()
    await own.post('/lwsgs/register', { username: 'alice', email: 'alcie@mail.test', password })
    const mistyped = await inbox.token('alcie@mail.test', /^Confirm/)
    await own.post('/lwsgs/login', { username: 'alice', password })
    assert.equal(
      (await own.post('/lwsgs/change-email', { email: 'alcie@mail.test', currentPassword: password })).json().code,
      'GS_EMAIL_SAME'
    )
    const token = await askForToken(own, 'alice@mail.test')
    const { email, mask } = (await confirm(own, token)).json()
    assert.deepEqual([email, mask], ['alice@mail.test', 5])
    assert.equal((await heard.next()).type, 'accountCreated')
    const event = await heard.next()
    assert.deepEqual([event.type, event.email], ['accountVerified', 'alice@mail.test'])
    assert.equal((await browser().post('/lwsgs/verify-email', { token: mistyped })).json().code, 'GS_LINK_USED')
    // Nobody knows whose mailbox the mistyped one is.
    await own.post('/lwsgs/change-password', { currentPassword: password, password: newPassword })
    await inbox.find('alice@mail.test', /password/)
    assert.equal(inbox.mails.filter(({ to }) => to === 'alcie@mail.test').length, 1)
  })

  it('logs nobody in: a visitor stays nobody, and who is logged in as another one stays who he is', async (t) => {
    const { askForToken, browser, confirm, emailOf, member } = await start(t)
    const alice = await member('alice')
    const bob = await member('bob')
    const token = bob.token
    const stranger = browser()
    const answer = await confirm(stranger, await askForToken(alice, 'one@mail.test'))
    assert.deepEqual([answer.statusCode, answer.json().username], [200, null])
    assert.equal((await confirm(bob, await askForToken(alice, 'two@mail.test'))).json().username, 'bob')
    assert.equal(bob.token, token)
    assert.deepEqual([await emailOf(alice), await emailOf(bob)], ['two@mail.test', 'bob@mail.test'])
    for (const [who, email, notice] of [
      [stranger, 'three@mail.test', 'emailchanged'],
      [bob, 'four@mail.test', 'other'],
      [alice, 'five@mail.test', 'emailchanged']
    ] as const) {
      const page = await who.form('/lwsgs/change-email/redeem', { token: await askForToken(alice, email) })
      assert.deepEqual([page.statusCode, page.headers.location], [303, `/lwsgs/?gs=${notice}`])
    }
    const asked = await alice.form('/lwsgs/change-email', { email: 'six@mail.test', currentPassword: password, next: '/me' })
    assert.deepEqual([asked.statusCode, asked.headers.location], [303, '/me'])
    const again = await alice.form('/lwsgs/change-email', { email: 'six@mail.test', currentPassword: password })
    assert.equal(again.headers.location, '/lwsgs/?gs=emailsent')
  })

  it('makes void what was mailed to the former address', async (t) => {
    const { askForToken, browser, confirm, inbox, member } = await start(t)
    const alice = await member('alice')
    await browser().post('/lwsgs/forgot-password', { username: 'alice' })
    const forgot = await inbox.token('alice@mail.test', /Set a new/)
    await confirm(alice, await askForToken(alice, 'new@mail.test'))
    assert.deepEqual(facts(await browser().post('/lwsgs/forgot-password/redeem', { token: forgot })), [400, 'GS_LINK_USED'])
  })

  const recoveries: [name: string, act: (built: Awaited<ReturnType<typeof start>>, alice: Browser) => Promise<Response>][] = [
    ['a new password', (_, alice) => alice.post('/lwsgs/change-password', { currentPassword: password, password: newPassword })],
    [
      'a redeemed lost-password link',
      async ({ browser, inbox }) => {
        await browser().post('/lwsgs/forgot-password', { username: 'alice' })
        return browser().post('/lwsgs/forgot-password/redeem', { token: await inbox.token('alice@mail.test', /Set a new/) })
      }
    ]
  ]
  for (const [name, act] of recoveries) {
    it(`is called off by ${name}, which leaves the way back of a former address open`, async (t) => {
      const built = await start(t)
      const { askForToken, browser, change, confirm, member, undo } = built
      const alice = await member('alice', 'former@mail.test')
      const back = await change(alice, 'former@mail.test', 'alice@mail.test')
      const token = await askForToken(alice, 'thief@mail.test')
      assert.equal((await act(built, alice)).statusCode, 200)
      assert.deepEqual(facts(await confirm(browser(), token)), [400, 'GS_LINK_USED'])
      assert.equal((await undo(browser(), back)).json().email, 'former@mail.test')
    })
  }

  it('is called off when the owner of the address proves it (pre-hijacking)', async (t) => {
    const { askForToken, browser, confirm, inbox } = await start(t)
    const mallory = browser()
    await mallory.post('/lwsgs/register', { username: 'mallory', email: 'victim@mail.test', password })
    await mallory.post('/lwsgs/login', { username: 'mallory', password })
    const token = await askForToken(mallory, 'mallory@mail.test')
    const victim = browser()
    await victim.post('/lwsgs/verify-email', { token: await inbox.token('victim@mail.test', /^Confirm/) })
    assert.deepEqual(facts(await confirm(mallory, token)), [400, 'GS_LINK_USED'])
    assert.equal((await victim.get('/lwsgs/session')).json().email, 'victim@mail.test')
  })

  it('is refused when the owner has taken the account back while the password was checked', async (t) => {
    let meanwhile = async () => undefined as unknown
    const verify: PasswordHasher['verify'] = async (given, stored) => {
      const right = await quickHasher.verify(given, stored)
      await meanwhile()
      return right
    }
    const { ask, browser, emailOf, inbox, member } = await start(t, { password: { hasher: { ...quickHasher, verify } } })
    const thief = await member('alice')
    const owner = browser()
    await owner.post('/lwsgs/forgot-password', { username: 'alice' })
    const token = await inbox.token('alice@mail.test', /Set a new/)
    meanwhile = () => owner.post('/lwsgs/forgot-password/redeem', { token })
    assert.deepEqual(facts(await ask(thief, 'thief@mail.test')), [401, 'GS_NOT_LOGGED_IN'])
    assert.equal(await emailOf(owner), 'alice@mail.test')
  })

  it('keeps to the life of a link that proves an address', async (t) => {
    const { askForToken, browser, clock, confirm, member } = await start(t, { links: { verifyEmail: 7200 } })
    const token = await askForToken(await member('alice'), 'new@mail.test')
    clock.advance(7200)
    assert.deepEqual(facts(await confirm(browser(), token)), [400, 'GS_LINK_EXPIRED'])
    clock.now -= 1
    assert.equal((await confirm(browser(), token)).statusCode, 200)
  })

  it('takes tokens of its own kind only', async (t) => {
    const { askForToken, browser, change, confirm, inbox, member, undo } = await start(t)
    const alice = await member('alice')
    const undoToken = await change(alice, 'alice@mail.test', 'new@mail.test')
    await alice.post('/lwsgs/forgot-password', { username: 'alice' })
    const forgot = await inbox.token('new@mail.test', /Set a new/)
    const token = await askForToken(alice, 'newer@mail.test')
    for (const other of [undoToken, forgot, token.slice(0, -1), `${token}=`, 'null'])
      assert.deepEqual(facts(await confirm(browser(), other)), [400, 'GS_LINK_INVALID'])
    for (const other of [token, forgot, undoToken.toUpperCase()])
      assert.deepEqual(facts(await undo(browser(), other)), [400, 'GS_LINK_INVALID'])
    for (const path of ['verify-email', 'forgot-password/redeem']) {
      for (const other of [token, undoToken])
        assert.deepEqual(facts(await browser().post(`/lwsgs/${path}`, { token: other })), [400, 'GS_LINK_INVALID'])
    }
    assert.equal((await confirm(browser(), token)).statusCode, 200)
  })

  it('does nothing for a locked account, and what was open before is void when it is unlocked', async (t) => {
    const { askForToken, browser, change, clock, confirm, databasePath, member, undo } = await start(t)
    const administration = await openAdministration({ database: { sqlite: databasePath }, now: () => clock.now })
    t.after(() => administration.close())
    const alice = await member('alice')
    const back = await change(alice, 'alice@mail.test', 'thief@mail.test')
    const token = await askForToken(alice, 'new@mail.test')
    const { id } = (await administration.accounts.find('alice'))!
    await administration.accounts.lock(id)
    for (const answer of [await confirm(browser(), token), await undo(browser(), back)])
      assert.deepEqual(facts(answer), [403, 'GS_ACCOUNT_LOCKED'])
    await administration.accounts.unlock(id)
    assert.deepEqual(facts(await confirm(browser(), token)), [400, 'GS_LINK_USED'])
    assert.equal((await undo(browser(), back)).json().email, 'alice@mail.test')
  })

  it('is called off when an operator sets a password', async (t) => {
    const { askForToken, browser, clock, confirm, databasePath, member } = await start(t)
    const administration = await openAdministration({ database: { sqlite: databasePath }, now: () => clock.now })
    t.after(() => administration.close())
    const token = await askForToken(await member('alice'), 'thief@mail.test')
    await administration.accounts.setPassword((await administration.accounts.find('alice'))!.id, newPassword)
    assert.deepEqual(facts(await confirm(browser(), token)), [400, 'GS_LINK_USED'])
  })
})

for (const [name, options] of engines) {
  describe(`simultaneous changes of addresses on ${name}`, () => {
    it('let one of many redemptions of a link win, and mail one way back', async (t) => {
      const { askForToken, browser, confirm, emailOf, inbox, member, undo } = await start(t, await options())
      const alice = await member('alice')
      const token = await askForToken(alice, 'new@mail.test')
      const answers = await Promise.all(Array.from({ length: 12 }, () => confirm(browser(), token)))
      assert.deepEqual(
        answers.map((answer) => facts(answer)[1]).filter((code) => code !== undefined),
        Array(11).fill('GS_LINK_USED')
      )
      assert.equal(await emailOf(alice), 'new@mail.test')
      const back = await inbox.token('alice@mail.test', changedSubject)
      const undone = await Promise.all(Array.from({ length: 8 }, () => undo(browser(), back)))
      assert.equal(undone.filter(({ statusCode }) => statusCode === 200).length, 1)
      assert.equal(inbox.mails.filter(({ subject }) => changedSubject.test(subject)).length, 1)
    })

    it('confirm the address that a link was mailed to, and no other', async (t) => {
      const { ask, browser, confirm, emailOf, inbox, member } = await start(t, await options())
      const alice = await member('alice')
      const addresses = ['attacker@mail.test', 'victim@mail.test']
      const asked = await Promise.all(addresses.map((email) => ask(alice, email)))
      assert.deepEqual(
        asked.map(({ statusCode }) => statusCode),
        [202, 202]
      )
      // The later one is open; the mail of the other is not sent, or its link is void.
      const open = await Promise.race(addresses.map((email) => inbox.find(email, confirmSubject)))
      const token = /\?token=([\w-]+)/.exec(open.text)![1]!
      const answer = await confirm(browser(), token)
      assert.equal(await emailOf(alice), answer.statusCode === 200 ? open.to : 'alice@mail.test')
      const attackers = inbox.mails.find(({ to }) => to === 'attacker@mail.test')
      if (attackers !== undefined) await confirm(browser(), /\?token=([\w-]+)/.exec(attackers.text)![1]!)
      assert.equal(
        (await emailOf(alice)) === 'victim@mail.test',
        answer.statusCode === 200 && open.to === 'victim@mail.test',
        'only the link in the mailbox of the victim makes it that of the account'
      )
    })

    it('give an address to one of those who prove it', async (t) => {
      const { askForToken, browser, confirm, emailOf, inbox, member } = await start(t, await options())
      const alice = await member('alice')
      const bob = await member('bob')
      const email = 'wanted@mail.test'
      const tokens = [await askForToken(alice, email), await askForToken(bob, email)]
      await browser().post('/lwsgs/register', { username: 'carol', email, password })
      const carols = await inbox.token(email, /^Confirm your address/)
      const carol = browser()
      const answers = await Promise.all([
        confirm(alice, tokens[0]!),
        confirm(bob, tokens[1]!),
        carol.post('/lwsgs/verify-email', { token: carols })
      ])
      assert.equal(answers.filter(({ statusCode }) => statusCode === 200).length, 1)
      assert.equal(answers.filter((answer) => facts(answer)[1] === 'GS_EMAIL_TAKEN').length, 2)
      const winner = [alice, bob, carol][answers.findIndex(({ statusCode }) => statusCode === 200)]!
      assert.equal(await emailOf(winner), email)
      for (const loser of [alice, bob]) if (loser !== winner) assert.match((await emailOf(loser))!, /^(alice|bob)@mail/)
    })

    it('do not let a thief keep an account whose owner takes it back at the same moment', async (t) => {
      const { ask, askForToken, browser, change, confirm, inbox, logIn, member, undo } = await start(t, await options())
      const thief = await member('alice')
      const back = await change(thief, 'alice@mail.test', 'thief@mail.test')
      const token = await askForToken(thief, 'thief2@mail.test')
      const seen = inbox.mails.length
      const owner = browser()
      const [undone] = await Promise.all([undo(owner, back), confirm(thief, token), ask(thief, 'thief3@mail.test')])
      assert.equal(undone.statusCode, 200, undone.body)
      assert.equal((await owner.get('/lwsgs/session')).json().email, 'alice@mail.test')
      assert.equal((await thief.get('/lwsgs/session')).json().username, null)
      assert.deepEqual(await logIn('alice'), wrong)
      // Nothing that was mailed to the thief opens anything.
      await browser().post('/lwsgs/forgot-password', { username: 'alice' })
      await inbox.find('alice@mail.test', /Set a new/, seen)
      for (const mail of inbox.mails.filter(({ to }) => to.startsWith('thief'))) {
        const token = /\?token=([\w-]+)/.exec(mail.text)![1]!
        for (const redeem of [confirm, undo]) assert.equal((await redeem(browser(), token)).statusCode, 400)
      }
    })
  })
}

describe('undo of a changed address', () => {
  it('brings it back, ends all sessions, switches the password off, and lets the owner set a new one', async (t) => {
    const heard = new Queue<AccountEvent>()
    const { app, askForToken, browser, change, confirm, logIn, member, undo } = await start(t)
    app.gs.onAccountEvent((event) => void (event.type === 'accountEmailChanged' && heard.push(event)))
    const thief = await member('alice')
    const another = browser()
    await another.post('/lwsgs/login', { username: 'alice', password })
    const back = await change(thief, 'alice@mail.test', 'thief@mail.test')
    const further = await askForToken(thief, 'thief2@mail.test')
    assert.equal((await heard.next()).email, 'thief@mail.test')
    const causes: string[] = []
    app.gs.onSessionEnd(({ cause }) => causes.push(cause))

    const owner = browser()
    const undone = (await undo(owner, back)).json()
    assert.deepEqual([undone.username, undone.email, undone.verified, undone.mask], ['alice', 'alice@mail.test', true, 13])
    assert.equal((await heard.next()).email, 'alice@mail.test')
    assert.deepEqual(causes, ['email-restored', 'email-restored'])
    for (const browser of [thief, another]) assert.equal((await browser.get('/lwsgs/session')).json().username, null)
    for (const name of ['alice', 'alice@mail.test', 'thief@mail.test']) assert.deepEqual(await logIn(name), wrong)
    assert.deepEqual(facts(await confirm(thief, further)), [400, 'GS_LINK_USED'])
    assert.deepEqual(facts(await undo(browser(), back)), [400, 'GS_LINK_USED'])

    assert.equal((await owner.post('/lwsgs/change-password', { password: newPassword })).json().username, 'alice')
    assert.deepEqual([await logIn('alice@mail.test', newPassword), await logIn('thief@mail.test', newPassword)], [right, wrong])
  })

  it('cannot be prevented by a second change: the thief’s own way back ends with the owner’s, never the other way round', async (t) => {
    for (const thiefFirst of [false, true]) {
      const { browser, change, clock, logIn, member, undo } = await start(t)
      const thief = await member('alice')
      const owners = await change(thief, 'alice@mail.test', 'thief1@mail.test')
      // His clock runs backwards.
      clock.advance(-3600)
      const thiefs = await change(thief, 'thief1@mail.test', 'thief2@mail.test')
      if (thiefFirst) assert.equal((await undo(browser(), thiefs)).json().email, 'thief1@mail.test')
      const owner = browser()
      assert.equal((await undo(owner, owners)).json().email, 'alice@mail.test')
      assert.deepEqual(facts(await undo(browser(), thiefs)), [400, 'GS_LINK_USED'])
      await owner.post('/lwsgs/change-password', { password: newPassword })
      assert.deepEqual(await logIn('alice@mail.test', newPassword), right)
    }
  })

  it('cannot be prevented by anything else that the thief may do', async (t) => {
    const { browser, change, inbox, member, undo } = await start(t)
    const thief = await member('alice')
    const back = await change(thief, 'alice@mail.test', 'thief@mail.test')
    await thief.post('/lwsgs/change-password', { currentPassword: password, password: newPassword })
    await thief.post('/lwsgs/forgot-password', { username: 'alice' })
    await thief.post('/lwsgs/forgot-password/redeem', { token: await inbox.token('thief@mail.test', /Set a new/) })
    await thief.post('/lwsgs/verify-email/resend', { email: 'thief@mail.test' })
    await change(thief, 'thief@mail.test', 'thief2@mail.test', newPassword)
    assert.equal((await undo(browser(), back)).json().email, 'alice@mail.test')
    assert.equal((await thief.get('/lwsgs/session')).json().username, null)
  })

  it('works for a week, or as long as the option says', async (t) => {
    for (const [options, seconds] of [
      [{}, 604_800],
      [{ links: { undoEmail: 2_592_000 } }, 2_592_000]
    ] as const) {
      const { browser, change, clock, inbox, member, undo } = await start(t, options)
      const back = await change(await member('alice'), 'alice@mail.test', 'new@mail.test')
      assert.match((await inbox.find('alice@mail.test', changedSubject)).text, new RegExp(`for ${seconds / 86_400} days`))
      clock.advance(seconds)
      assert.deepEqual(facts(await undo(browser(), back)), [400, 'GS_LINK_EXPIRED'])
      clock.now -= 1
      assert.equal((await undo(browser(), back)).statusCode, 200)
    }
  })

  it('is refused when another account has proved the address meanwhile, changes nothing then, and works when that one gives it up', async (t) => {
    const { change, emailOf, browser, member, undo } = await start(t)
    const alice = await member('alice')
    const back = await change(alice, 'alice@mail.test', 'new@mail.test')
    const bob = await member('bob', 'alice@mail.test')
    const refused = await undo(browser(), back)
    assert.deepEqual(facts(refused), [409, 'GS_EMAIL_TAKEN'])
    assert.match(refused.json().message, /Delete that one .* then try again/)
    assert.equal(await emailOf(alice), 'new@mail.test')
    await bob.post('/lwsgs/delete-account', { currentPassword: password })
    const undone = (await undo(browser(), back)).json()
    assert.deepEqual([undone.username, undone.email], ['alice', 'alice@mail.test'])
  })

  it('takes the place of whatever session the browser had', async (t) => {
    const { change, member, undo } = await start(t)
    const back = await change(await member('alice'), 'alice@mail.test', 'thief@mail.test')
    const bob = await member('bob')
    const page = await bob.form('/lwsgs/change-email/undo', { token: back })
    assert.deepEqual([page.statusCode, page.headers.location], [303, '/lwsgs/?gs=emailrestored'])
    assert.equal((await bob.get('/lwsgs/session')).json().username, 'alice')
    assert.deepEqual(facts(await undo(bob, back)), [400, 'GS_LINK_USED'])
  })
})

describe('the pages behind the links about an address', () => {
  it('change nothing when they are opened, name nobody, and leave no token in the log; the buttons work', async (t) => {
    const lines: string[] = []
    const stream = { write: (line: string) => void lines.push(line) }
    const { ask, browser, emailOf, inbox, member } = await start(t, {}, { logger: { level: 'trace', stream } })
    const alice = await member('alice')
    await ask(alice, 'new@mail.test')
    const linkIn = async (to: string, subject: RegExp) => /http:\/\/localhost:7681(\S+)/.exec((await inbox.find(to, subject)).text)![1]!

    const press = async (visitor: Browser, link: string) => {
      for (const method of ['GET', 'HEAD', 'GET'] as const) {
        const page = await browser().send({ method, url: link, headers: { accept: 'text/html' } })
        assert.equal(page.statusCode, 200)
        assert.equal(page.headers['referrer-policy'], 'strict-origin')
        assert.doesNotMatch(page.body, /alice|mail\.test|<script/)
      }
      const { body } = await visitor.visit(link)
      return visitor.form(/<form method="post" action="([^"]+)"/.exec(body)![1]!, {
        token: /name="token" value="([^"]+)"/.exec(body)![1]!
      })
    }

    const confirmLink = await linkIn('new@mail.test', confirmSubject)
    assert.match(confirmLink, /^\/lwsgs\/lwsgs-email\?token=[\w-]+$/)
    const confirmed = await press(browser(), confirmLink)
    assert.deepEqual([confirmed.statusCode, confirmed.headers.location], [303, '/lwsgs/?gs=emailchanged'])
    assert.equal(await emailOf(alice), 'new@mail.test')

    const undoLink = await linkIn('alice@mail.test', changedSubject)
    assert.match(undoLink, /^\/lwsgs\/lwsgs-undo-email\?token=[\w-]+$/)
    const owner = browser()
    const undone = await press(owner, undoLink)
    assert.deepEqual([undone.statusCode, undone.headers.location], [303, '/lwsgs/?gs=emailrestored'])
    assert.equal((await owner.get('/lwsgs/session')).json().mask, 13)

    for (const link of [confirmLink, undoLink]) {
      const late = await press(browser(), link)
      assert.equal(late.statusCode, 400)
      assert.match(late.body, /role="alert">This link has already been used/)
    }
    for (const path of ['lwsgs-email', 'lwsgs-undo-email']) {
      assert.match((await browser().visit(`/lwsgs/${path}`)).body, /Please open the link in the mail/)
      assert.equal((await browser().form(`/lwsgs/${path}`, {})).statusCode, 400)
    }
    const log = lines.join('')
    for (const secret of [confirmLink, undoLink].map((link) => link.slice(link.indexOf('=') + 1)).concat(password, 'mail.test'))
      assert.equal(log.includes(secret), false, secret)
    const told = lines.flatMap((line) => line.trimEnd().split('\n')).map((line) => JSON.parse(line) as { gs?: string; outcome?: string })
    assert.deepEqual(
      told.filter(({ gs }) => gs?.endsWith('-email')).map(({ gs, outcome }) => [gs, outcome].join(' ')),
      ['verify-email ', 'change-email asked', 'change-email confirmed', 'undo-email ']
    )
  })
})
