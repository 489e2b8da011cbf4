import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import type { ConnectionOptions, SecureVersion } from 'node:tls'
import type { SavedSessionFault } from '../errors.ts'
import type { TlsSessionCacheOptions } from '../options.ts'
import { internalsOf, TlsSessionCache } from '../session-cache.ts'
import { makeAuthority, makeCertificate } from '../testing/certificates.ts'
import { tlsServer, visit } from '../testing/tls-server.ts'
import { dumpSessions } from './dump-sessions.ts'
import { loadSessions, type RefusedSession } from './load-sessions.ts'
import { formatOf, formatOfNode } from './session-format.ts'
import { createSealer } from './seal.ts'
import type { DumpOptions, LoadOptions } from './saved-options.ts'

const authority = await makeAuthority()
const other = await makeAuthority('another authority')
const localhost = await makeCertificate(authority, ['localhost', 'a.test', 'b.test', 'c.test'])
const key = randomBytes(32)
const plaintext = { plaintext: true } as const
const versions: SecureVersion[] = ['TLSv1.2', 'TLSv1.3']

async function start(t: TestContext, version: SecureVersion = 'TLSv1.3') {
  const server = await tlsServer(t, { ...localhost, minVersion: version, maxVersion: version })
  const connection = { host: '127.0.0.1', servername: 'localhost', port: server.port, ca: authority.cert }
  return { server, connection }
}

/** A cache that was at these servers. */
async function filled(connections: readonly ConnectionOptions[], options: TlsSessionCacheOptions = {}) {
  const cache = new TlsSessionCache(options)
  for (const connection of connections) await visit(cache.connect(connection))
  return cache
}

const faults = (refused: readonly RefusedSession[]) => refused.map(({ fault }) => fault)
const sessionsOf = (cache: TlsSessionCache) => Array.from(internalsOf(cache).table.entries()).flatMap(({ sessions }) => sessions)
const lines = (text: string) => text.split('\n').filter((line) => line !== '')

for (const version of versions)
  for (const protection of [{ key }, { key: 'correct horse battery staple' }, plaintext])
    test(`${version}: a cache resumes with sessions that another one has saved (${Object.keys(protection)[0]}: ${typeof Object.values(protection)[0]})`, async (t) => {
      const { connection, server } = await start(t, version)
      const first = await filled([connection])
      const { saved, text } = await dumpSessions(first, protection)
      assert.equal(saved, version === 'TLSv1.3' ? 2 : 1)
      const second = new TlsSessionCache()
      assert.deepEqual(await loadSessions(second, text, protection), { taken: saved, present: 0, surplus: 0, refused: [] })
      assert.equal(await visit(second.connect(connection)), true)
      assert.deepEqual(server.reused, [false, true])
    })

test('tickets leave the cache when they are saved, and sessions of TLS 1.2 stay', async (t) => {
  const one = await start(t, 'TLSv1.2')
  const two = await start(t, 'TLSv1.3')
  const cache = await filled([one.connection, two.connection])
  assert.equal((await dumpSessions(cache, { key, move: false })).saved, 3)
  assert.equal((await dumpSessions(cache, { key })).saved, 3)
  assert.deepEqual(
    sessionsOf(cache).map(({ protocol }) => protocol),
    ['TLSv1.2']
  )
  const reusing = await filled([two.connection], { singleUse: false })
  assert.equal((await dumpSessions(reusing, { key })).saved, 2)
  assert.equal(sessionsOf(reusing).length, 2)
})

test('saves the sessions of one host, or of one port of it', async (t) => {
  const { connection } = await start(t, 'TLSv1.2')
  const cache = await filled([connection, { ...connection, host: 'LOCALHOST' }])
  const count = async (options: object) => (await dumpSessions(cache, { key, ...options })).saved
  assert.equal(await count({}), 2)
  assert.equal(await count({ host: 'Localhost' }), 1)
  assert.equal(await count({ host: '127.0.0.1', port: connection.port }), 1)
  assert.equal(await count({ host: '127.0.0.1', port: 1 }), 0)
})

test('says how many sessions no other process can use', async (t) => {
  const { connection } = await start(t, 'TLSv1.3')
  const cache = await filled([connection, { ...connection, checkServerIdentity: () => undefined }])
  const { beyond, saved, unstable } = await dumpSessions(cache, { key })
  assert.deepEqual({ beyond, saved, unstable }, { beyond: 0, saved: 2, unstable: 2 })
  assert.equal(sessionsOf(cache).length, 2)
})

test('shows nobody a session, or what it trusts', async (t) => {
  const { connection } = await start(t)
  const cache = await filled([connection])
  const [kept] = sessionsOf(cache)
  const { text } = await dumpSessions(cache, { key })
  const seen =
    text +
    lines(text)
      .map((line) =>
        line
          .split('.')
          .map((part) => Buffer.from(part, 'base64url').toString('latin1'))
          .join(' ')
      )
      .join(' ')
  for (const part of [kept!.session.toString('base64').slice(20, 60), kept!.session.toString('latin1').slice(60, 90), 'servername'])
    assert.equal(seen.includes(part), false)
  assert.equal(seen.includes('127.0.0.1'), true)
})

const wrongOptions: Record<string, [options: unknown, message: RegExp]> = {
  'no key': [{}, /the option key is missing/],
  'plaintext: false': [{ plaintext: false }, /the option key is missing/],
  'key and plaintext': [{ key, plaintext: true }, /contradict/],
  'a short key': [{ key: randomBytes(16) }, /must be 32 random bytes or a passphrase/],
  'a short passphrase': [{ key: 'hunter2' }, /must be 32 random bytes or a passphrase/],
  'a key that is no key': [{ key: 7 }, /must be 32 random bytes/],
  'a word for plaintext': [{ plaintext: 'yes' }, /plaintext must be true or false/],
  'an unknown option': [{ key, hosts: [] }, /the option hosts is not known/],
  'a port that is none': [{ key, port: 65_536 }, /the option port/],
  'a host that is none': [{ key, host: '' }, /the option host/],
  'no options': [undefined, /need an object with options/]
}
for (const [name, [options, message]] of Object.entries(wrongOptions))
  test(`neither saves nor loads with ${name}`, async () => {
    const cache = new TlsSessionCache()
    const expected = { name: 'TlsCacheOptionError', message }
    await assert.rejects(dumpSessions(cache, options as DumpOptions), expected)
    await assert.rejects(loadSessions(cache, '', options as LoadOptions), expected)
  })

test('refuses what nobody has saved', async () => {
  const cache = new TlsSessionCache()
  const cases: [saved: string | Buffer, faults: SavedSessionFault[]][] = [
    ['', []],
    ['\n\n', []],
    ['hello', ['damaged']],
    ['{"version":1}', ['damaged']],
    ['tsc1.', ['damaged']],
    ['tsc1...', ['damaged']],
    ['tsc1.e30.e30.', ['damaged']],
    ['tsc2.e30.e30.e30', ['version']],
    ['tsc1.bnVsbA.e30.e30', ['damaged']],
    ['tsc1.W10.e30.e30\nx', ['damaged', 'damaged']],
    [randomBytes(20_000).fill(0xff), ['damaged']],
    [Buffer.alloc(17 * 2 ** 20), ['damaged']],
    [`tsc1.${'A'.repeat(40_000)}`, ['damaged']]
  ]
  for (const protection of [{ key }, plaintext])
    for (const [saved, expected] of cases) {
      const { refused, taken } = await loadSessions(cache, saved, protection)
      assert.deepEqual([taken, faults(refused)], [0, expected], saved.toString('latin1').slice(0, 30))
    }
})

test('looks at 20000 records at most', async () => {
  const { refused } = await loadSessions(new TlsSessionCache(), 'x\n'.repeat(100_000), { key })
  assert.equal(refused.length, 20_001)
})

for (const [name, protection] of Object.entries({ 'an encrypted': { key }, 'a plaintext': plaintext }))
  test(`refuses ${name} session with any byte changed, or cut off anywhere`, async (t) => {
    const { connection } = await start(t, 'TLSv1.2')
    const whole = Buffer.from(lines((await dumpSessions(await filled([connection]), protection)).text)[0]!)
    const cache = new TlsSessionCache()
    for (let at = 0; at < whole.length; at++)
      for (const bit of [1, 2, 4, 8, 16, 32, 64, 128]) {
        const changed = Buffer.from(whole)
        changed[at]! ^= bit
        const result = await loadSessions(cache, changed, protection)
        assert.deepEqual([result.taken, result.present, result.refused.length >= 1], [0, 0, true], `byte ${at}, bit ${bit}`)
      }
    for (let length = 1; length < whole.length; length++)
      assert.deepEqual((await loadSessions(cache, whole.subarray(0, length), protection)).taken, 0, `length ${length}`)
    assert.equal((await loadSessions(cache, whole, protection)).taken, 1)
  })

test('one damaged session does not cost the others', async (t) => {
  const { connection } = await start(t, 'TLSv1.3')
  const [first, second] = lines((await dumpSessions(await filled([connection]), { key })).text)
  const cache = new TlsSessionCache()
  const result = await loadSessions(cache, `${first!.slice(0, -9)}\r\n${second}\r\n`, { key })
  assert.deepEqual([result.taken, result.refused.map(({ fault, record }) => [record, fault])], [1, [[1, 'damaged']]])
})

test('takes sessions with the key that they were saved with only', async (t) => {
  const { connection } = await start(t, 'TLSv1.2')
  const cache = await filled([connection])
  const passphrase = 'correct horse battery staple'
  const saved = {
    key: (await dumpSessions(cache, { key })).text,
    passphrase: (await dumpSessions(cache, { key: passphrase })).text,
    plaintext: (await dumpSessions(cache, plaintext)).text
  }
  const load = async (text: string, protection: LoadOptions) => {
    const { refused, taken } = await loadSessions(new TlsSessionCache(), text, protection)
    return taken === 1 ? 'taken' : faults(refused).join()
  }
  const table: [saved: keyof typeof saved, protection: LoadOptions, outcome: string][] = [
    ['key', { key }, 'taken'],
    ['key', { key: randomBytes(32) }, 'key'],
    ['key', { key: passphrase }, 'key'],
    ['key', plaintext, 'key'],
    ['passphrase', { key: passphrase }, 'taken'],
    ['passphrase', { key: `${passphrase}s` }, 'key'],
    ['passphrase', { key }, 'key'],
    ['passphrase', plaintext, 'key'],
    ['plaintext', plaintext, 'taken'],
    // Else everybody who can write the file could say whom to trust.
    ['plaintext', { key }, 'key'],
    ['plaintext', { key: passphrase }, 'key']
  ]
  for (const [text, protection, outcome] of table) assert.equal(await load(saved[text], protection), outcome, text)
})

test('makes the keys of four passphrase dumps at most', async (t) => {
  const { connection } = await start(t, 'TLSv1.2')
  const cache = await filled([connection])
  const [line] = lines((await dumpSessions(cache, { key: 'correct horse battery staple' })).text)
  const [prefix, head, ...rest] = line!.split('.')
  const fields = JSON.parse(Buffer.from(head!, 'base64url').toString()) as object
  const salted = (cost: number) =>
    [
      prefix,
      Buffer.from(JSON.stringify({ ...fields, scrypt: [cost, randomBytes(16).toString('base64url')] })).toString('base64url'),
      ...rest
    ].join('.')
  const text = [salted(14), salted(14), salted(14), salted(14), salted(14), salted(2), salted(30)].join('\n')
  const { refused } = await loadSessions(new TlsSessionCache(), text, { key: 'correct horse battery staple' })
  assert.deepEqual(faults(refused), ['key', 'key', 'key', 'key', 'key', 'damaged', 'damaged'])
  assert.match(refused[4]!.reason, /more than 4/)
})

test('refuses what is of another namespace, or what nobody asked for', async (t) => {
  const { connection } = await start(t, 'TLSv1.2')
  const { text } = await dumpSessions(await filled([connection]), { key })
  const load = async (options: Partial<LoadOptions>, cache = new TlsSessionCache()) => {
    const { refused, taken } = await loadSessions(cache, text, { key, ...options } as LoadOptions)
    return taken === 1 ? 'taken' : faults(refused).join()
  }
  assert.equal(await load({}, new TlsSessionCache({ namespace: 'another' })), 'foreign')
  assert.equal(await load({ host: 'localhost' }), 'foreign')
  assert.equal(await load({ host: '127.0.0.1' }), 'taken')
  assert.equal(await load({ port: 1 }), 'foreign')
  assert.equal(await load({ connections: [connection] }), 'taken')
  assert.equal(await load({ connections: [] }), 'foreign')
  assert.equal(await load({ connections: [{ ...connection, ca: other.cert }] }), 'foreign')
  assert.equal(await load({ connections: [{ ...connection, rejectUnauthorized: false }] }), 'foreign')
  assert.equal(await load({ connections: [{ ...connection, ...localhost }, { ...connection, port: 1 }, connection] }), 'taken')
})

test('sessions that were saved are not used by who trusts differently', async (t) => {
  const { connection, server } = await start(t, 'TLSv1.3')
  const { text } = await dumpSessions(await filled([connection]), { key })
  const cache = new TlsSessionCache()
  await loadSessions(cache, text, { key })
  await assert.rejects(visit(cache.connect({ ...connection, ca: other.cert })), { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' })
  await assert.rejects(visit(cache.connect({ ...connection, servername: 'd.test' })), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
  assert.equal(await visit(cache.connect({ ...connection, ...localhost })), false)
  assert.equal(server.reused.includes(true), false)
})

/** Writes records that say what one likes, with the key. */
async function forged(text: string, change: (head: Record<string, unknown>, body: Record<string, unknown>) => void) {
  const seal = await createSealer({ kind: 'key', key })
  const [, head, body] = lines(text)[0]!
    .split('.')
    .map((part) => Buffer.from(part, 'base64url').toString())
  const parts = [JSON.parse(head!), JSON.parse(body!)] as [Record<string, unknown>, Record<string, unknown>]
  change(...parts)
  return seal(parts[0], JSON.stringify(parts[1]))
}

test('does not believe what a record says, even with the right key', async (t) => {
  const { connection } = await start(t, 'TLSv1.2')
  const { text } = await dumpSessions(await filled([connection]), plaintext)
  const table: Record<string, [SavedSessionFault | 'taken', Parameters<typeof forged>[1]]> = {
    'all as it was': ['taken', () => undefined],
    'another format': ['version', (head) => (head['format'] = 'bare')],
    'an unknown format': ['damaged', (head) => (head['format'] = 'new')],
    'another name': ['foreign', (_head, body) => (body['servername'] = 'nosuch.test')],
    'no name, but another host': ['foreign', (_head, body) => (body['servername'] = '')],
    'a session that is none': ['damaged', (_head, body) => (body['session'] = 'AAAA')],
    'a session that is too long': ['damaged', (_head, body) => (body['session'] = 'A'.repeat(12_000))],
    'no session': ['damaged', (_head, body) => delete body['session']],
    'no time': ['damaged', (head) => delete head['expiresAt']],
    'a time that is none': ['damaged', (head) => (head['expiresAt'] = 'soon')],
    'a time that is over': ['expired', (head) => (head['expiresAt'] = 1)],
    'a final time that is over': ['expired', (_head, body) => (body['finalAt'] = 1)],
    'protocols that are none': ['damaged', (_head, body) => (body['alpn'] = 'h2')],
    'a port that is none': ['damaged', (head) => (head['port'] = null)],
    'no host': ['damaged', (head) => delete head['host']],
    'no key': ['damaged', (_head, body) => delete body['key']]
  }
  for (const [name, [outcome, change]] of Object.entries(table)) {
    const { refused, taken } = await loadSessions(new TlsSessionCache(), await forged(text, change), { key })
    assert.equal(taken === 1 ? 'taken' : faults(refused).join(), outcome, name)
  }
})

test('no session lives longer for having been saved', async (t) => {
  const { connection } = await start(t, 'TLSv1.2')
  let now = Date.now()
  const clock = { now: () => now, ttl: 300 }
  const cache = await filled([connection], clock)
  const [{ expiresAt, finalAt }] = sessionsOf(cache) as [ReturnType<typeof sessionsOf>[0]]
  now += 100_000
  let { text } = await dumpSessions(cache, { key })
  const load = async (options: TlsSessionCacheOptions) => {
    const loading = new TlsSessionCache(options)
    const { refused } = await loadSessions(loading, text, { key })
    return { loading, kept: sessionsOf(loading)[0], faults: faults(refused) }
  }
  const loaded = await load({ ...clock, ttl: 86_400 })
  assert.deepEqual([loaded.kept!.expiresAt, loaded.kept!.finalAt], [expiresAt, finalAt])
  assert.equal((await load({ ...clock, ttl: 20 })).kept!.expiresAt, now + 20_000)
  // A clock that is an hour behind: 200 seconds were left.
  const behind = now - 3_600_000
  const late = await load({ now: () => behind, ttl: 86_400 })
  assert.equal(late.kept!.expiresAt, behind + 200_000)
  assert.ok(late.kept!.finalAt <= behind + 86_400_000)
  assert.deepEqual((await load({ ...clock, now: () => now + 200_000 })).faults, ['expired'])
  // From one to the next, and to the next.
  for (let step = 0; step < 3; step++) {
    now += 50_000
    const next = await load(clock)
    assert.equal(next.kept!.expiresAt, expiresAt)
    ;({ text } = await dumpSessions(next.loading, { key }))
  }
  now += 50_000
  assert.deepEqual((await load(clock)).faults, ['expired'])
})

test('the sessions that a cache has are newer than those that were saved', async (t) => {
  const { connection } = await start(t, 'TLSv1.3')
  const { text } = await dumpSessions(await filled([connection]), { key })
  const cache = await filled([connection])
  const before = sessionsOf(cache)
  assert.deepEqual(await loadSessions(cache, text, { key }), { taken: 0, present: 2, surplus: 0, refused: [] })
  assert.deepEqual(sessionsOf(cache), before)
  cache.clear()
  assert.deepEqual(await loadSessions(cache, text + text, { key }), { taken: 2, present: 2, surplus: 0, refused: [] })
})

test('takes no more than there is room for, those that were used last first, and drives nobody out', async (t) => {
  const { connection } = await start(t, 'TLSv1.3')
  const at = (servername: string) => ({ ...connection, servername })
  const { text } = await dumpSessions(await filled([at('a.test'), at('b.test'), at('c.test')]), { key })
  const cache = await filled([connection], { max: 3, perPeer: 1 })
  assert.deepEqual(await loadSessions(cache, text, { key }), { taken: 2, present: 0, surplus: 4, refused: [] })
  assert.deepEqual(
    Array.from(internalsOf(cache).table.entries(), ({ peer }) => peer.servername),
    ['localhost', 'c.test', 'b.test']
  )
  assert.equal(cache.stats.evicted, 0)
})

test('the newest ticket is used first, as before', async (t) => {
  const { connection } = await start(t, 'TLSv1.3')
  const cache = await filled([connection])
  const before = sessionsOf(cache).map(({ session }) => session.toString('base64'))
  const { text } = await dumpSessions(cache, { key })
  await loadSessions(cache, text, { key })
  assert.deepEqual(
    sessionsOf(cache).map(({ session }) => session.toString('base64')),
    before
  )
})

test('a cache that is closed or switched off takes nothing', async (t) => {
  const { connection } = await start(t, 'TLSv1.2')
  const { text } = await dumpSessions(await filled([connection]), { key })
  const closed = new TlsSessionCache()
  closed.close()
  for (const cache of [closed, new TlsSessionCache({ enabled: false })]) {
    assert.deepEqual(await loadSessions(cache, text, { key }), { taken: 0, present: 0, surplus: 1, refused: [] })
    assert.equal((await dumpSessions(cache, { key })).text, '')
  }
})

test('knows which versions of Node put the name of the server before a session', async (t) => {
  const { connection } = await start(t, 'TLSv1.2')
  const [kept] = sessionsOf(await filled([connection]))
  assert.equal(formatOf(kept!.session), formatOfNode(process.versions.node))
  const table = {
    '24.7.0': 'bare',
    '24.16.0': 'bare',
    '24.17.0': 'named',
    '24.21.0': 'named',
    '25.9.0': 'bare',
    '26.3.0': 'bare',
    '26.3.1': 'named',
    '27.0.0': 'named'
  }
  for (const [version, format] of Object.entries(table)) assert.equal(formatOfNode(version), format, version)
})
