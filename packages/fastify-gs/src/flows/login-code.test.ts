import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import type { FastifyHttpOptions, RawServerDefault } from 'fastify'
import pg from 'pg'
import { openSqlite } from '../database/sqlite.ts'
import { hashPassword } from '../hash-password.ts'
import type { AccountEvent } from '../hooks.ts'
import type { GsOptions } from '../options.ts'
import { build, Clock, password, type Browser, type Built } from '../testing/build.ts'
import { emptyPostgres } from '../testing/databases.ts'
import { startSmtpSink } from '../testing/smtp-sink.ts'

const subject = /Your code for Test site/
const refusal = {
  statusCode: 401,
  code: 'GS_CODE_INVALID',
  error: 'Unauthorized',
  message: 'This code is wrong, or it has expired. Please ask for a new one.',
  field: 'code'
}

const codeIn = (text: string): string => /^\d{6,10}$/m.exec(text)![0]
/** Another one of the same length. */
const wrongFor = (code: string) => (code.startsWith('0') ? '1' : '0') + code.slice(1)

async function start(t: TestContext, options: Partial<GsOptions> = {}, server: FastifyHttpOptions<RawServerDefault> = {}) {
  const built = await build(t, { loginCodes: true, ...options }, undefined, server)
  return { ...built, ...codesOf(built) }
}

function codesOf({ browser, inbox }: Pick<Built, 'browser' | 'inbox'>) {
  /** Asks for a code and reads it in the mail. */
  const ask = async (name: string, to = `${name}@mail.test`) => {
    const seen = inbox.mails.length
    const response = await browser().post('/lwsgs/login-code', { username: name })
    assert.deepEqual([response.statusCode, response.body], [202, '{"ok":true}'])
    return codeIn((await inbox.find(to, subject, seen)).text)
  }
  const redeem = (username: string, code: string, own = browser()) => own.post('/lwsgs/login-code/redeem', { username, code })
  /** What a redemption comes to: the mask of the session, or the code of the refusal. */
  const outcome = async (username: string, code: string, own = browser()): Promise<number | string> => {
    const body = (await redeem(username, code, own)).json<{ mask?: number; code: string }>()
    return body.mask ?? body.code
  }
  return { ask, redeem, outcome }
}

describe('login by a mailed code', () => {
  it('does not exist unless it is switched on', async (t) => {
    const { app, browser } = await build(t)
    assert.doesNotMatch(app.printRoutes(), /code/)
    for (const path of ['login-code', 'login-code/redeem'])
      assert.equal((await browser().post(`/lwsgs/${path}`, { username: 'alice', code: '12345678' })).statusCode, 404)
  })

  it('logs in by user name or address, as the owner of the account and no more', async (t) => {
    const { ask, browser, member, redeem } = await start(t)
    await member('alice', 'Alice.A@mail.test')
    for (const name of ['alice', 'ALICE', 'alice.a@MAIL.test']) {
      const own = browser()
      const response = await redeem(name, await ask(name, 'Alice.A@mail.test'), own)
      assert.equal(response.statusCode, 200, response.body)
      assert.deepEqual([response.json().username, response.json().mask, response.json().verified], ['alice', 5, true])
      assert.equal((await own.get('/lwsgs/session')).json().username, 'alice')
    }
  })

  it('gives the browser a new session, ends the one it had and no other, and keeps it logged in if asked', async (t) => {
    const { app, ask, browser, member } = await start(t)
    const other = await member('alice')
    const bob = await member('bob')
    const [before, causes] = [bob.token, [] as string[]]
    app.gs.onSessionEnd(({ cause }) => causes.push(cause))
    const body = { username: 'alice', code: await ask('alice'), remember: true }
    const response = await bob.post('/lwsgs/login-code/redeem', body)
    assert.equal(response.json().username, 'alice')
    assert.notEqual(bob.token, before)
    assert.match(String(response.headers['set-cookie']), /^gs=[^;]+; Max-Age=2592000;/)
    assert.deepEqual(causes, ['login'])
    assert.equal((await other.get('/lwsgs/session')).json().username, 'alice')

    const plain = await browser().post('/lwsgs/login-code/redeem', { username: 'alice', code: await ask('alice') })
    assert.match(String(plain.headers['set-cookie']), /^gs=[^;]+; Path=/)
  })

  it('leaves the session as it is when the code is refused', async (t) => {
    const { ask, member, outcome } = await start(t)
    const bob = await member('bob')
    await member('alice')
    const { token } = bob
    assert.equal(await outcome('alice', wrongFor(await ask('alice')), bob), 'GS_CODE_INVALID')
    assert.equal(bob.token, token)
    assert.equal((await bob.get('/lwsgs/session')).json().username, 'bob')
  })

  const spellings: readonly (readonly [name: string, write: (code: string) => string])[] = [
    ['as it is', (code) => code],
    ['in groups', (code) => `${code.slice(0, 4)} ${code.slice(4)}`],
    ['with blanks and a line break around it', (code) => ` \t${code}\n`],
    ['with dashes', (code) => code.replaceAll(/(..)(?=.)/g, '$1-')],
    ['with a dash of typesetters and a hard blank', (code) => `${code.slice(0, 4)}–\u00a0${code.slice(4)}`],
    ['in digits of full width', (code) => code.replaceAll(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit)))],
    ['in Arabic digits', (code) => code.replaceAll(/\d/g, (digit) => String.fromCodePoint(0x660 + Number(digit)))],
    ['in Persian digits', (code) => code.replaceAll(/\d/g, (digit) => String.fromCodePoint(0x6f0 + Number(digit)))]
  ]
  it('takes the code however people write it', async (t) => {
    const { ask, clock, member, outcome } = await start(t)
    await member('alice')
    for (const [name, write] of spellings) {
      assert.equal(await outcome('alice', write(await ask('alice'))), 5, name)
      clock.advance(900)
    }
  })

  const mistaken: readonly (readonly [name: string, type: (code: string) => string, username?: string])[] = [
    ['of a name that nobody has', (code) => code, 'nobody'],
    ['of what is no name', (code) => code, '<script>@'],
    ['of somebody else', (code) => code, 'bob'],
    ['of the configured admin', (code) => code, 'boss'],
    ['that is wrong', wrongFor],
    ['with a digit behind it', (code) => `${code}0`],
    ['with a letter behind it', (code) => `${code}x`],
    ['with a digit before it', (code) => `0${code}`],
    ['without its last digit', (code) => code.slice(0, -1)],
    ['twice', (code) => code + code],
    ['of nothing but blanks', () => '        '],
    ['with an invisible character in it', (code) => `${code.slice(0, 4)}\u200b${code.slice(4)}`],
    ['that is as a number', (code) => `${code}.0`]
  ]
  it('refuses whatever is not the code of the account, always in the same words', async (t) => {
    const admin = { username: 'boss', passwordHash: await hashPassword(password), email: 'boss@mail.test' }
    const { ask, browser, member, outcome, redeem } = await start(t, { admin, loginCodes: { tries: 10 } })
    await member('alice')
    await member('bob')
    await ask('bob')
    const code = await ask('alice')
    for (const [name, type, username = 'alice'] of mistaken) {
      const own = browser()
      const response = await redeem(username, type(code), own)
      assert.deepEqual([response.statusCode, response.json()], [401, refusal], name)
      assert.equal((await own.get('/lwsgs/session')).json().username, null, name)
    }
    assert.equal(await outcome('alice', code), 5)
  })

  type Site = Awaited<ReturnType<typeof start>> & { readonly alice: Browser }
  /** What happens to alice's code before she types it. */
  const refused: readonly (readonly [name: string, prepare: (code: string, site: Site) => unknown])[] = [
    ['that has been used', (code, { redeem }) => redeem('alice', code)],
    ['that is void since a newer one was sent', (_code, { ask }) => ask('alice')],
    ['after its quarter of an hour', (_code, { clock }) => clock.advance(900)],
    [
      'after five wrong ones',
      async (code, { outcome }) => {
        for (let n = 0; n < 5; n++) assert.equal(await outcome('alice', wrongFor(code)), 'GS_CODE_INVALID')
      }
    ],
    [
      'from before a change of the password',
      async (_code, { alice }) => {
        const changed = await alice.post('/lwsgs/change-password', { currentPassword: password, password: 'a brand new password' })
        assert.equal(changed.statusCode, 200)
      }
    ],
    [
      'from before a lost-password link was redeemed',
      async (_code, { browser, inbox }) => {
        await browser().post('/lwsgs/forgot-password', { username: 'alice' })
        await browser().post('/lwsgs/forgot-password/redeem', { token: await inbox.token('alice@mail.test', /Set a new/) })
      }
    ],
    [
      'of an account that is deleted',
      async (_code, { alice }) => {
        assert.equal((await alice.post('/lwsgs/delete-account', { currentPassword: password })).statusCode, 200)
      }
    ]
  ]
  for (const [name, prepare] of refused) {
    it(`refuses a code ${name}`, async (t) => {
      const site = await start(t)
      const alice = await site.member('alice')
      const code = await site.ask('alice')
      await prepare(code, { ...site, alice })
      const response = await site.redeem('alice', code)
      assert.deepEqual([response.statusCode, response.json()], [401, refusal])
    })
  }

  it('still takes the right code after four wrong ones', async (t) => {
    const { ask, member, outcome } = await start(t)
    await member('alice')
    const code = await ask('alice')
    for (let n = 0; n < 4; n++) await outcome('alice', wrongFor(code))
    assert.equal(await outcome('alice', code), 5)
  })

  it('keeps to life, digits and tries of the options, and says the life in the mail', async (t) => {
    const { ask, clock, inbox, member, outcome } = await start(t, { loginCodes: { life: 300, digits: 6, tries: 2 } })
    await member('alice')
    const first = await ask('alice')
    assert.match(first, /^\d{6}$/)
    assert.match((await inbox.find('alice@mail.test', subject)).text, /works once and for 5 minutes/)
    await outcome('alice', wrongFor(first))
    await outcome('alice', wrongFor(first))
    assert.equal(await outcome('alice', first), 'GS_CODE_INVALID')
    const second = await ask('alice')
    clock.advance(300)
    assert.equal(await outcome('alice', second), 'GS_CODE_INVALID')
    const third = await ask('alice')
    clock.now += 299_999
    assert.equal(await outcome('alice', third), 5)
  })

  it('mails nothing to a locked account or the configured admin, and lets nobody into an account that was locked since', async (t) => {
    const admin = { username: 'boss', passwordHash: await hashPassword(password), email: 'boss@mail.test' }
    const { ask, browser, databasePath, inbox, member, outcome } = await start(t, { admin })
    await member('alice')
    await member('bob')
    const code = await ask('alice')
    const database = await openSqlite(databasePath)
    t.after(() => database.close())
    await database.db.updateTable('gs_accounts').set({ locked_at: 1 }).where('username', '=', 'alice').execute()
    assert.equal(await outcome('alice', wrongFor(code)), 'GS_CODE_INVALID')
    assert.equal(await outcome('alice', code), 'GS_ACCOUNT_LOCKED')
    const seen = inbox.mails.length
    for (const username of ['alice', 'boss', 'boss@mail.test'])
      assert.equal((await browser().post('/lwsgs/login-code', { username })).statusCode, 202)
    await ask('bob')
    assert.deepEqual(
      inbox.mails.slice(seen).map((mail) => mail.to),
      ['bob@mail.test']
    )
  })

  it('lets an account that must change its password in, and no further than that', async (t) => {
    const { ask, databasePath, member, redeem } = await start(t)
    await member('alice')
    const database = await openSqlite(databasePath)
    t.after(() => database.close())
    await database.db.updateTable('gs_accounts').set({ must_change_password: 1 }).where('username', '=', 'alice').execute()
    const session = (await redeem('alice', await ask('alice'))).json()
    assert.deepEqual([session.username, session.mustChangePassword], ['alice', true])
  })

  it('tells hooks its name, and a hook that refuses leaves the code as it was', async (t) => {
    const { app, ask, member, outcome } = await start(t)
    await member('alice')
    const methods: string[] = []
    let verdict = false
    app.gs.addHook('beforeLogin', ({ method }) => {
      methods.push(method)
      return verdict
    })
    const code = await ask('alice')
    assert.equal(await outcome('alice', code), 'GS_LOGIN_REFUSED')
    verdict = true
    assert.equal(await outcome('alice', code), 5)
    assert.deepEqual(methods, ['login-code', 'login-code'])
  })

  it('works with forms, which go on where they say', async (t) => {
    const { ask, browser, inbox, member } = await start(t)
    await member('alice')
    await ask('alice')
    const own = browser()
    const sent = await own.form('/lwsgs/login-code', { username: 'alice', next: '/members' })
    assert.deepEqual([sent.statusCode, sent.headers.location], [303, '/members'])
    assert.equal((await own.form('/lwsgs/login-code', { username: 'nobody' })).headers.location, '/lwsgs/?gs=codesent')
    const code = codeIn((await inbox.find('alice@mail.test', subject, inbox.mails.length - 1)).text)
    const redeemed = await own.form('/lwsgs/login-code/redeem', { username: 'alice', code, remember: 'on', next: 'https://evil.test/' })
    assert.deepEqual([redeemed.statusCode, redeemed.headers.location], [303, '/lwsgs/?gs=loggedin'])
    assert.equal((await own.get('/lwsgs/session')).json().username, 'alice')
  })

  it('takes no request of another site', async (t) => {
    const { ask, browser, member } = await start(t)
    await member('alice')
    const code = await ask('alice')
    for (const [path, body] of [
      ['login-code', { username: 'alice' }],
      ['login-code/redeem', { username: 'alice', code }]
    ] as const) {
      const response = await browser().post(`/lwsgs/${path}`, body, { origin: 'https://evil.test' })
      assert.equal(response.json().code, 'GS_CROSS_SITE')
    }
  })

  it('counts guesses per address like passwords', async (t) => {
    const { browser } = await start(t, { rateLimits: { login: { max: 2, seconds: 60 } } })
    const codes = []
    for (let n = 0; n < 3; n++)
      codes.push((await browser().post('/lwsgs/login-code/redeem', { username: 'nobody', code: '12345678' })).json().code)
    assert.deepEqual(codes, ['GS_CODE_INVALID', 'GS_CODE_INVALID', 'GS_TOO_MANY_ATTEMPTS'])
  })

  it('takes a code that was mailed before the key was replaced', async (t) => {
    const first = await start(t)
    await first.member('alice')
    const code = await first.ask('alice')
    const keys = ['a-newer-key-for-tests-9876543210-dcba', 'only-for-tests-0123456789-abcdefghij']
    const second = await start(t, { keys, database: { sqlite: first.databasePath }, now: () => first.clock.now })
    assert.equal(await second.outcome('alice', code), 5)
  })
})

describe('an account whose address is not proved', () => {
  it('is verified by the code, and taken away from whoever chose its password', async (t) => {
    const { app, ask, browser, redeem } = await start(t)
    const events: AccountEvent[] = []
    const told = Promise.withResolvers<void>()
    app.gs.onAccountEvent((event) => {
      events.push(event)
      if (event.type === 'accountVerified') told.resolve()
    })
    const attacker = browser()
    await attacker.post('/lwsgs/register', { username: 'handle', email: 'victim@mail.test', password })
    await attacker.post('/lwsgs/login', { username: 'handle', password })
    const causes: string[] = []
    app.gs.onSessionEnd(({ cause }) => causes.push(cause))

    const victim = browser()
    const session = (await redeem('victim@mail.test', await ask('victim@mail.test', 'victim@mail.test'), victim)).json()
    assert.deepEqual([session.username, session.verified, session.mask], ['handle', true, 13])
    assert.deepEqual(causes, ['verified'])
    assert.equal((await attacker.get('/lwsgs/session')).json().username, null)
    assert.equal((await browser().post('/lwsgs/login', { username: 'handle', password })).statusCode, 401)
    await told.promise
    assert.deepEqual(
      events.map(({ type }) => type),
      ['accountCreated', 'accountVerified']
    )
    // Who lost a password by this may choose another one at once.
    assert.equal((await victim.post('/lwsgs/change-password', { password: 'a brand new password' })).statusCode, 200)
  })

  it('is not verified when somebody else has proved the address', async (t) => {
    const { ask, browser, member, outcome } = await start(t)
    await browser().post('/lwsgs/register', { username: 'late', email: 'shared@mail.test', password })
    const code = await ask('late', 'shared@mail.test')
    await member('quicker', 'shared@mail.test')
    assert.equal(await outcome('late', code), 'GS_EMAIL_TAKEN')
  })
})

describe('an account without password', () => {
  const bob = { username: 'bob', email: 'bob@mail.test' }

  it('can be made only where codes are on', async (t) => {
    const { browser } = await build(t)
    const response = await browser().post('/lwsgs/register', bob)
    assert.deepEqual([response.statusCode, response.json().code, response.json().field], [400, 'GS_BODY_INVALID', 'password'])
    assert.deepEqual((await browser().get('/lwsgs/check?username=bob')).json(), { available: true })
  })

  it('logs in by code, which proves its address, and gets a password by a lost-password link', async (t) => {
    const { ask, browser, inbox, outcome } = await start(t)
    assert.equal((await browser().post('/lwsgs/register', bob)).statusCode, 202)
    // No bit 3: nothing was lost.
    assert.equal(await outcome('bob', await ask('bob')), 5)
    for (const typed of ['x', password])
      assert.equal((await browser().post('/lwsgs/login', { username: 'bob', password: typed })).statusCode, 401)

    await browser().post('/lwsgs/forgot-password', { username: 'bob' })
    const own = browser()
    await own.post('/lwsgs/forgot-password/redeem', { token: await inbox.token('bob@mail.test', /Set a new/) })
    assert.equal((await own.post('/lwsgs/change-password', { password })).statusCode, 200)
    assert.equal((await browser().post('/lwsgs/login', { username: 'bob', password })).json().mask, 5)
    assert.equal(await outcome('bob', await ask('bob')), 5)
  })

  it('is confirmed by its link as well', async (t) => {
    const { browser, inbox } = await start(t)
    await browser().post('/lwsgs/register', bob)
    const verified = await browser().post('/lwsgs/verify-email', { token: await inbox.token('bob@mail.test', /Confirm/) })
    assert.deepEqual([verified.statusCode, verified.json().mask], [200, 5])
  })
})

describe('the faults of one-time passwords in the older system (F19)', () => {
  it('a code logs in once: another try with it before it expires is refused', async (t) => {
    const { ask, member, outcome } = await start(t)
    await member('alice')
    const code = await ask('alice')
    assert.deepEqual([await outcome('alice', code), await outcome('alice', code)], [5, 'GS_CODE_INVALID'])
  })

  it('a code with anything behind it is another code', async (t) => {
    const { ask, member, outcome } = await start(t)
    await member('alice')
    const code = await ask('alice')
    for (const suffix of ['0', 'x', code]) assert.equal(await outcome('alice', code + suffix), 'GS_CODE_INVALID')
    assert.equal(await outcome('alice', code), 5)
  })

  it('asking again and again mails five codes in an hour, and the last of them works', async (t) => {
    const { ask, browser, clock, inbox, member, outcome } = await start(t)
    await member('alice')
    await member('bob')
    const seen = inbox.mails.length
    for (let n = 0; n < 4; n++) await ask('alice')
    const last = await ask('alice')
    for (let n = 0; n < 5; n++) assert.equal((await browser().post('/lwsgs/login-code', { username: 'alice' })).body, '{"ok":true}')
    await ask('bob')
    assert.equal(inbox.mails.slice(seen).filter((mail) => mail.to === 'alice@mail.test').length, 5)
    assert.equal(await outcome('alice', last), 5)
    clock.advance(3601)
    assert.equal(await outcome('alice', await ask('alice')), 5)
  })

  it('asking tells nobody whether there is an account, by words, headers, mails or time', async (t) => {
    const { browser, inbox, member } = await start(t)
    await member('alice')
    const seen = inbox.mails.length
    const answers = new Set<string>()
    for (const username of ['alice', 'alice@mail.test', 'nobody', 'nobody@mail.test', '<x>', 'x'.repeat(300)]) {
      const begun = performance.now()
      const { statusCode, body, headers } = await browser().post('/lwsgs/login-code', { username })
      assert.ok(performance.now() - begun >= 60, username)
      const names = Object.keys(headers).filter((name) => name !== 'date')
      answers.add(`${statusCode} ${body} ${names.join()}`)
    }
    assert.equal(answers.size, 1)
    await inbox.find('alice@mail.test', subject, seen)
    assert.deepEqual(new Set(inbox.mails.slice(seen).map((mail) => mail.to)), new Set(['alice@mail.test']))
  })

  it('typing tells nobody whether there is an account, or a code for it', async (t) => {
    const { ask, browser, member } = await start(t)
    await member('alice')
    await member('bob')
    await ask('alice')
    const answers = new Set<string>()
    for (const username of ['alice', 'bob', 'nobody', 'alice@mail.test', 'nobody@mail.test']) {
      const type = async () => {
        const begun = performance.now()
        const { statusCode, body, headers } = await browser().post('/lwsgs/login-code/redeem', { username, code: 'none' })
        assert.ok(performance.now() - begun >= 60, username)
        const names = Object.keys(headers).filter((name) => name !== 'date')
        answers.add(`${statusCode} ${body} ${names.join()}`)
      }
      // More often than a code takes.
      await Promise.all(Array.from({ length: 6 }, type))
    }
    assert.equal(answers.size, 1)
  })

  it('the code stands in the mail and nowhere else: no log, no header, no answer, no file of the database', async (t) => {
    const lines: string[] = []
    const stream = { write: (line: string) => void lines.push(line) }
    const { ask, browser, databasePath, member, redeem } = await start(t, {}, { logger: { level: 'trace', stream } })
    await member('alice')
    const codes = [await ask('alice'), await ask('alice')]
    const seen: string[] = []
    for (const typed of [wrongFor(codes[1]!), `${codes[1]}0`, codes[0]!, codes[1]!, codes[1]!]) {
      const { body, headers } = await redeem('alice', typed)
      seen.push(body, JSON.stringify(headers))
    }
    const own = browser()
    const third = await ask('alice')
    seen.push((await own.form('/lwsgs/lwsgs-code', { form: 'code', username: 'alice', code: `${third}1` })).body)
    codes.push(third)
    const directory = dirname(databasePath)
    for (const file of readdirSync(directory)) seen.push(readFileSync(join(directory, file), 'latin1'))
    for (const code of codes) {
      assert.equal(lines.join('').includes(code), false, 'log')
      // The form shows again what was typed, which is no code.
      for (const text of seen) assert.equal(text.replaceAll(`${third}1`, '').includes(code), false)
    }
    assert.match(lines.join(''), /"gs":"login-code","outcome":"success"/)
  })
})

describe('guessing codes', () => {
  it('does not hang on the limits for passwords: strangers who fail on purpose do not keep the owner out (F20)', async (t) => {
    const { ask, browser, member, outcome } = await start(t)
    await member('alice')
    const login = async (typed: string) => (await browser().post('/lwsgs/login', { username: 'alice', password: typed })).json()
    while ((await login('wrong password here')).code === 'GS_CREDENTIALS');
    assert.equal((await login(password)).code, 'GS_TOO_MANY_ATTEMPTS')
    assert.equal(await outcome('alice', await ask('alice')), 5)
    // Whoever has proved the mailbox begins anew with passwords, too.
    assert.equal((await login(password)).username, 'alice')
  })

  it('does not hang on them when the password is off, and switches it on again', async (t) => {
    const { ask, browser, member, outcome } = await start(t, { attempts: { lockAfter: 3 } })
    await member('alice')
    const login = async (typed: string) => (await browser().post('/lwsgs/login', { username: 'alice', password: typed })).json()
    for (let n = 0; n < 3; n++) assert.equal((await login('wrong password here')).code, 'GS_CREDENTIALS')
    assert.equal((await login(password)).code, 'GS_PASSWORD_DISABLED')
    assert.equal(await outcome('alice', await ask('alice')), 5)
    assert.equal((await login(password)).username, 'alice')
  })

  it('does not slow passwords down', async (t) => {
    const { ask, browser, member, outcome } = await start(t)
    await member('alice')
    const code = await ask('alice')
    await Promise.all(Array.from({ length: 30 }, () => outcome('alice', wrongFor(code))))
    assert.equal((await browser().post('/lwsgs/login', { username: 'alice', password })).json().username, 'alice')
  })

  it('ends after 100 wrong ones in a week: then a link is mailed, which nobody can guess, and redeemed it brings codes back', async (t) => {
    const { ask, browser, clock, inbox, member, outcome } = await start(t, { loginCodes: { tries: 10 } })
    await member('alice')
    for (let n = 0; n < 10; n++) {
      const code = await ask('alice')
      const wrong = Array.from({ length: 11 }, () => outcome('alice', wrongFor(code)))
      assert.deepEqual(new Set(await Promise.all(wrong)), new Set(['GS_CODE_INVALID']))
      clock.advance(1200)
    }
    const seen = inbox.mails.length
    assert.equal((await browser().post('/lwsgs/login-code', { username: 'alice' })).body, '{"ok":true}')
    const token = await inbox.token('alice@mail.test', /Set a new password/, seen)
    assert.equal(inbox.mails.length, seen + 1)
    const redeemed = await browser().post('/lwsgs/forgot-password/redeem', { token })
    assert.equal(redeemed.json().mask, 13)
    assert.equal(await outcome('alice', await ask('alice')), 5)
  })

  for (const name of ['SQLite', 'PostgreSQL']) {
    it(`by two processes at once gets one login and five tries out of one code on ${name}`, async (t) => {
      const shared = name === 'PostgreSQL' ? { database: { postgres: await emptyPostgres() } } : {}
      const clock = new Clock()
      const first = await start(t, { ...shared, now: () => clock.now })
      await first.member('alice')
      const database = shared.database ?? { sqlite: first.databasePath }
      const second = await start(t, { database, now: () => clock.now })
      const parallel = (code: string) =>
        Promise.all(Array.from({ length: 50 }, (_, n) => (n % 2 === 0 ? first : second).outcome('alice', code)))

      const won = await parallel(await first.ask('alice'))
      assert.deepEqual(
        [won.filter((outcome) => outcome === 5).length, won.filter((outcome) => outcome === 'GS_CODE_INVALID').length],
        [1, 49]
      )

      const code = await first.ask('alice')
      assert.deepEqual(new Set(await parallel(wrongFor(code))), new Set(['GS_CODE_INVALID']))
      assert.equal(await second.outcome('alice', code), 'GS_CODE_INVALID')
      assert.equal(await triesOf(database), 5)
    })
  }
})

/** The tries that all codes of a database have taken. */
async function triesOf(database: GsOptions['database']): Promise<number> {
  const query = 'select coalesce(sum(tries), 0) as tries from gs_links'
  if ('postgres' in database) {
    const client = new pg.Client({ connectionString: database.postgres })
    await client.connect()
    const { rows } = await client.query<{ tries: string }>(query)
    await client.end()
    return Number(rows[0]!.tries)
  }
  const opened = await openSqlite(database.sqlite)
  const rows = await opened.db.selectFrom('gs_links').select('tries').execute()
  await opened.close()
  return rows.reduce((sum, { tries }) => sum + tries, 0)
}

describe('the mail with a code', () => {
  it('arrives by SMTP with the code alone on its line, big in HTML, without any link, and logs in', async (t) => {
    const sink = await startSmtpSink(t)
    const mail = { smtp: `smtp://127.0.0.1:${sink.port}`, from: 'Test <noreply@site.test>' }
    const { browser } = await build(t, { loginCodes: true, mail })
    await browser().post('/lwsgs/register', { username: 'alice', email: 'alice@mail.test' })
    await sink.next()
    await browser().post('/lwsgs/login-code', { username: 'alice' })
    const { to, parsed } = await sink.next()
    assert.deepEqual([to, parsed.subject], [['alice@mail.test'], 'Your code for Test site'])
    const code = codeIn(parsed.text!)
    const paragraph = new RegExp(`<p [^>]*font: bold 2em[^>]*>${code}</p>`)
    assert.match(parsed.html!, paragraph)
    assert.doesNotMatch(parsed.html!, /href=|http/)
    assert.doesNotMatch(parsed.text!, /http/)
    assert.doesNotMatch(parsed.subject!, new RegExp(code))
    const session = await browser().post('/lwsgs/login-code/redeem', { username: 'alice', code })
    assert.deepEqual([session.json().username, session.json().mask], ['alice', 5])
  })
})
