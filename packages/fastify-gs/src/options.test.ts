import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AuthLevel } from './accounts/auth-level.ts'
import { GsOptionError } from './errors.ts'
import { resolveOptions, type GsOptions } from './options.ts'

const valid: GsOptions = {
  baseUrl: 'https://example.com',
  keys: ['0123456789abcdefghijklmnopqrstuv'],
  database: { sqlite: 'gs.sqlite3' },
  mail: { smtp: 'smtp://localhost', from: 'Example <noreply@example.com>' }
}
const resolve = (change: object) =>
  resolveOptions({ ...valid, ...change }, { isPasswordHash: (text) => text.startsWith('$argon2id$'), levels: AuthLevel })

describe('resolveOptions', () => {
  it('fills in the defaults, times in ms', () => {
    const options = resolve({})
    assert.equal(options.origin, 'https://example.com')
    assert.equal(options.secure, true)
    assert.equal(options.prefix, '/lwsgs')
    assert.equal(options.loginPage, '/lwsgs/')
    assert.equal(options.siteName, 'example.com')
    assert.deepEqual(options.session.limits, { idle: 3_600_000, absolute: 86_400_000, remembered: 2_592_000_000 })
    assert.equal(options.password.minLength, 15)
    assert.deepEqual(options.mail.from, { name: 'Example', address: 'noreply@example.com' })
    assert.ok(Object.isFrozen(options))
  })

  const old = { prefix: '$old$', verify: () => true }

  it('accepts hashes of older systems whose kinds are named, for the admin too', () => {
    const options = resolve({ password: { legacy: [old] }, admin: { username: 'boss', passwordHash: '$old$123' } })
    assert.deepEqual(options.password.legacy, [old])
    assert.equal(options.admin?.passwordHash, '$old$123')
    assert.deepEqual(resolve({}).password.legacy, [])
  })

  it('reserves the name of the admin, so that nobody looks like him', () => {
    const admin = { username: 'Chief', passwordHash: '$argon2id$x' }
    assert.deepEqual(resolve({ admin, reservedNames: ['sales'] }).reservedNames, ['sales', 'Chief'])
  })

  it('takes the pages of lwsgs relative to the prefix, and urlroot as a path', () => {
    assert.deepEqual(resolve({}).lwsgs, { urlroot: null, verifiedPage: null, verifyFailedPage: null })
    assert.deepEqual(
      resolve({ prefix: '/x', lwsgs: { urlroot: '/a/b/', verifiedPage: 'ok.html', verifyFailedPage: '/bad.html?a#b' } }).lwsgs,
      {
        urlroot: '/a/b',
        verifiedPage: '/x/ok.html',
        verifyFailedPage: '/bad.html?a#b'
      }
    )
    assert.equal(resolve({ lwsgs: { urlroot: '/' } }).lwsgs.urlroot, '')
  })

  it('fills in the limits of sessions, attempts and codes, times in ms', () => {
    const { attempts, defaultLevel, language, languages, levels, loginCodes, password, session } = resolve({})
    assert.deepEqual(session.cookieNames, { anonymous: 'gs', loggedIn: 'gs' })
    assert.deepEqual([session.renewal, session.perAccount, session.whenFull, session.total], [86_400_000, 100, 'end-oldest', 1_000_000])
    assert.deepEqual(session.data, {
      maxBytes: 16_384,
      onLogin: 'keep',
      onLogout: 'drop',
      maxAnonymous: 100_000,
      maxAnonymousPerAddress: 1000
    })
    assert.deepEqual(attempts, {
      ladder: [
        { failures: 10, wait: 60_000 },
        { failures: 25, wait: 3_600_000 },
        { failures: 100, wait: 86_400_000 }
      ],
      lockAfter: 1000
    })
    assert.deepEqual([password.blocklist, password.peppers, loginCodes], [10_000, [], null])
    assert.deepEqual(resolve({ loginCodes: true }).loginCodes, { life: 900_000, digits: 8, tries: 5 })
    assert.deepEqual([defaultLevel, language, languages, levels['staff']], [0, 'en', ['en'], 30])
  })

  it('takes names of levels and languages, in their usual form', () => {
    assert.equal(resolve({ levels: { editor: 35 }, defaultLevel: 'editor' }).defaultLevel, 35)
    assert.equal(resolve({ defaultLevel: 'nobody' }).defaultLevel, 125)
    const { language, languages } = resolve({ language: 'pt-br', languages: ['DE', 'de-at'], messages: { nl: { a: 'b' } } })
    assert.deepEqual([language, languages], ['pt-BR', ['pt-BR', 'de', 'de-AT', 'nl']])
  })

  const cases: [name: string, change: object, sentence: RegExp][] = [
    [
      'a level of the application with a name of ours',
      { levels: { staff: 33 } },
      /option levels has the name staff, which has a meaning already/
    ],
    ['a level named like a property', { levels: { ['__proto__x y']: 33 } }, /option levels has the name/],
    ['a level above all', { levels: { editor: 125 } }, /option levels\.editor must be a whole number of levels from 3 to 124/],
    ['levels that are none', { levels: ['editor'] }, /option levels must be an object like/],
    ['an unknown default level', { defaultLevel: 'editor' }, /option defaultLevel must be a level from 0 to 125 or one of none,/],
    ['a default level that a setting left empty', { defaultLevel: null }, /option defaultLevel/],
    ['half of two cookie names', { session: { cookieName: { anonymous: 'as' } } }, /option session\.cookieName\.loggedIn must be letters/],
    ['a cookie name with a space', { session: { cookieName: 'a b' } }, /option session\.cookieName must be letters/],
    [
      'an unknown way out of a full account',
      { session: { whenFull: 'newest' } },
      /option session\.whenFull must be "end-oldest" or "refuse"/
    ],
    ['no session at all', { session: { perAccount: 0 } }, /option session\.perAccount must be a whole number of sessions from 1/],
    [
      'an unknown rule for data',
      { session: { data: { onLogout: 'forget' } } },
      /option session\.data\.onLogout must be "keep", "drop" or a function/
    ],
    ['an unknown option for data', { session: { data: { max: 1 } } }, /option session\.data\.max is not known/],
    [
      'a ladder that goes down',
      {
        attempts: {
          ladder: [
            [10, 60],
            [25, 30]
          ]
        }
      },
      /option attempts\.ladder must be a list like/
    ],
    ['a ladder of numbers', { attempts: { ladder: [10, 60] } }, /option attempts\.ladder must be a list like/],
    ['codes that are too short', { loginCodes: { digits: 4 } }, /option loginCodes\.digits must be a whole number of digits from 6 to 10/],
    ['codes that live for days', { loginCodes: { life: 86_400 } }, /option loginCodes\.life/],
    ['a language that is none', { language: 'klingon!' }, /option language must be a language tag/],
    [
      'a language without texts',
      { languages: ['nl'] },
      /option languages\[0\] is "nl", for which there are no texts; give them in the option messages/
    ],
    ['messages that are no texts', { messages: { de: { a: 1 } } }, /option messages\.de must be an object of texts/],
    [
      'a short pepper',
      { password: { peppers: [{ id: 'a', secret: 'short' }] } },
      /option password\.peppers\[0\]\.secret must be a text of 32 bytes/
    ],
    [
      'a pepper twice',
      { password: { peppers: [1, 2].map(() => ({ id: 'a', secret: valid.keys[0] })) } },
      /option password\.peppers has the id a twice/
    ],
    [
      'a pepper for another hasher',
      { password: { hasher: { hash() {}, verify() {}, needsRehash() {} }, peppers: [] } },
      /option password\.peppers belongs to the hasher of fastify-gs/
    ],
    ['a blocklist of nothing', { password: { blocklist: 0 } }, /option password\.blocklist must be a whole number/],
    ['an unknown option', { baseURL: 'x' }, /option baseURL is not known/],
    ['an unknown inner option', { session: { idel: 1 } }, /option session\.idel is not known/],
    ['no baseUrl', { baseUrl: undefined }, /option baseUrl must be the public origin/],
    ['a baseUrl with path', { baseUrl: 'https://example.com/app' }, /option baseUrl/],
    ['a baseUrl of another scheme', { baseUrl: 'ftp://example.com' }, /option baseUrl/],
    ['no keys', { keys: [] }, /option keys must be a list.*openssl/],
    ['a short key', { keys: ['short'] }, /keys\[0\].*32 bytes/],
    ['a trivial key', { keys: ['a'.repeat(40)] }, /keys\[0\] is an example or trivial/],
    ['a short second key', { keys: [...valid.keys, 'short'] }, /keys\[1\]/],
    ['no database', { database: {} }, /option database must be/],
    ['two databases', { database: { sqlite: 'a', postgres: 'postgres://x/y' } }, /option database must be/],
    ['no mail', { mail: undefined }, /option mail must be an object/],
    ['no sender', { mail: { smtp: 'smtp://x' } }, /option mail\.from/],
    ['two senders', { mail: { smtp: 'smtp://x', from: 'a@b.test, c@d.test' } }, /option mail\.from/],
    ['a sender with a line break', { mail: { smtp: 'smtp://x', from: 'A\r\nBcc: x <a@b.test>' } }, /option mail\.from/],
    ['no mail server', { mail: { from: 'a@b.test' } }, /option mail needs either/],
    ['a mail server of another scheme', { mail: { smtp: 'http://x', from: 'a@b.test' } }, /option mail\.smtp/],
    ['a prefix without slash', { prefix: 'lwsgs' }, /option prefix/],
    ['the root as prefix', { prefix: '/' }, /option prefix.*root/],
    ['a prefix that climbs', { prefix: '/a/../b' }, /option prefix/],
    ['a login page elsewhere', { loginPage: '//evil.test' }, /option loginPage/],
    ['a plain password for the admin', { admin: { username: 'boss', passwordHash: 'secret' } }, /admin\.passwordHash.*hashPassword/],
    [
      'an old hash of the admin of an unnamed kind',
      { admin: { username: 'boss', passwordHash: '$old$123' } },
      /admin\.passwordHash.*password\.legacy/
    ],
    ['an old hash that is no kind', { password: { legacy: [{ prefix: '$old$' }] } }, /password\.legacy\[0\]/],
    ['old hashes that are no list', { password: { legacy: old } }, /password\.legacy must be a list/],
    ['an old hash without a name', { password: { legacy: [{ ...old, prefix: '$$' }] } }, /password\.legacy\[0\]\.prefix/],
    [
      'an old hash named like a current one',
      { password: { legacy: [{ ...old, prefix: '$argon2id$' }] } },
      /legacy\[0\]\.prefix.*not \$argon2id\$/
    ],
    ['an old hash twice', { password: { legacy: [old, old] } }, /password\.legacy has the prefix \$old\$ twice/],
    ['too many sectors', { sectors: Array.from({ length: 29 }, (_, index) => `s${index}`) }, /option sectors has more than 28/],
    ['a sector with a name of ours', { sectors: ['admin'] }, /option sectors has the name "admin"/],
    ['a sector twice', { sectors: ['a', 'a'] }, /option sectors has a name twice/],
    ['a passwords rule below the floor', { password: { minLength: 7 } }, /password\.minLength.*from 8 to 64/],
    ['a time of zero', { session: { idle: 0 } }, /session\.idle.*whole number of seconds/],
    ['a time that is no number', { session: { absolute: '60' } }, /session\.absolute/],
    ['NaN', { links: { verifyEmail: Number.NaN } }, /links\.verifyEmail/],
    ['a forgot link of two days', { links: { forgotPassword: 172_800 } }, /links\.forgotPassword.*86400/],
    ['an undo link of an hour', { links: { undoEmail: 3600 } }, /links\.undoEmail.*from 86400 to 2592000/],
    ['an undo link of two months', { links: { undoEmail: 5_184_000 } }, /links\.undoEmail/],
    ['a cookie name with a prefix', { session: { cookieName: '__Host-x' } }, /session\.cookieName/],
    ['an unknown option for lwsgs', { lwsgs: { urlRoot: '/x' } }, /option lwsgs\.urlRoot is not known/],
    ['a urlroot elsewhere', { lwsgs: { urlroot: 'https://evil.test' } }, /option lwsgs\.urlroot must be a path/],
    ['a urlroot that is a host', { lwsgs: { urlroot: '//evil.test' } }, /option lwsgs\.urlroot must be a path/],
    ['a page on another site', { lwsgs: { verifiedPage: 'https://evil.test/' } }, /option lwsgs\.verifiedPage.*another site/],
    ['a page on another host', { lwsgs: { verifyFailedPage: '//evil.test/' } }, /option lwsgs\.verifyFailedPage must be a page/],
    ['a page that is a script', { lwsgs: { verifiedPage: 'javascript:alert(1)' } }, /option lwsgs\.verifiedPage.*another site/],
    ['calls for admins that are neither on nor off', { adminApi: 'false' }, /option adminApi must be true or false/],
    ['a rate limit of zero', { rateLimits: { login: { max: 0, seconds: 1 } } }, /rateLimits\.login\.max/]
  ]
  for (const [name, change, sentence] of cases) {
    it(`refuses ${name} and says what to do`, () => {
      assert.throws(
        () => resolve(change),
        (error) => error instanceof GsOptionError && sentence.test(error.message)
      )
    })
  }
})
