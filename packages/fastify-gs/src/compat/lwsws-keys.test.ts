import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { describe, it } from 'node:test'
import { hashPassword } from '../index.ts'
import { json, object, over, readParts, type Entries, type Parts, type Read } from '../testing/lwsws-files.ts'
import type { LwswsConfig, LwswsMount, LwswsSessions, LwswsVhost } from './lwsws-config.ts'
import { globalKeys } from './lwsws-global.ts'
import { mountKeys } from './lwsws-mount.ts'
import type { LwswsKeys } from './lwsws-section.ts'
import { sessionsKeys } from './lwsws-sessions.ts'
import { vhostKeys } from './lwsws-vhost.ts'

const idle = (reason: RegExp) => ({ warns: reason })
const user = idle(/start the server as the user/)
const ciphers = idle(/Node and its OpenSSL choose/)
const roles = idle(/every connection is HTTP/)
const client = idle(/NODE_EXTRA_CA_CERTS/)
const phc = await hashPassword('a long password of an admin')

interface Case<Result> {
  /** Keys beside the one that the row is about. */
  readonly beside?: Entries
  readonly value?: unknown
  readonly gives?: Partial<Result>
  readonly warns?: RegExp
}

/** Each key with what it gives; several values where they differ in kind. */
type Table<Result> = readonly (readonly [key: string, value: unknown, expected: Case<Result>])[]

const globals: Table<LwswsConfig['global']> = [
  ['server-string', 'my site', { gives: { serverString: 'my site' } }],
  ['uid', '99', user],
  ['gid', '99', user],
  ['username', 'apache', user],
  ['groupname', 'apache', user],
  ['count-threads', '2', idle(/one thread/)],
  ['init-ssl', 'yes', idle(/TLS is there/)],
  ['plugin-dir', '/usr/lib', idle(/cannot be loaded/)],
  ['ws-pingpong-secs', '10', idle(/websockets belong/)],
  ['timeout-secs', '5', idle(/slow connections/)],
  ['reject-service-keywords', [object([['bot', '404 no']])], idle(/any name/)],
  ['default-alpn', 'h2', idle(/HTTP\/1\.1/)]
]

const tls: Entries = [
  ['host-ssl-key', 'BASE/tls/key.pem'],
  ['host-ssl-cert', 'BASE/tls/cert.pem']
]
const tlsWith = (more: Partial<NonNullable<LwswsVhost['tls']>>) => ({
  tls: { keyFile: 'BASE/tls/key.pem', certFile: 'BASE/tls/cert.pem', caFile: null, clientCertRequired: false, ...more }
})
const [loopbackName = 'lo'] =
  Object.entries(networkInterfaces()).find(([, addresses]) => addresses?.some(({ address }) => address === '127.0.0.1')) ?? []

const vhosts: Table<LwswsVhost> = [
  ['name', 'localhost', { gives: { name: 'localhost' } }],
  ['port', '7681', { gives: { port: 7681 } }],
  ['port', 7682, { gives: { port: 7682 } }],
  ['port', ' +07683 ', { gives: { port: 7683 } }],
  ['interface', '127.0.0.1', { gives: { interface: '127.0.0.1' } }],
  ['interface', 'localhost', { gives: { interface: 'localhost' } }],
  ['interface', loopbackName, { gives: { interface: '127.0.0.1' } }],
  ['interface', '', { gives: { interface: null } }],
  ['noipv6', '1', { gives: { interface: '0.0.0.0' } }],
  ['ipv6only', '1', idle(/write "interface"/)],
  ['ipv6only', '0', {}],
  [
    'unix-socket',
    '1',
    {
      beside: [
        ['interface', 'BASE/run/site.sock'],
        ['ws-protocols', []]
      ],
      gives: { unixSocket: 'BASE/run/site.sock', interface: null }
    }
  ],
  ['unix-socket', 'BASE/run/site.sock', { beside: [['ws-protocols', []]], gives: { unixSocket: 'BASE/run/site.sock' } }],
  ['unix-socket', '0', { gives: { unixSocket: null } }],
  ['unix-socket-perms', 'root:apache', idle(/rights of its directory/)],
  ['host-ssl-key', 'BASE/tls/key.pem', { beside: [tls[1]!], gives: tlsWith({}) }],
  ['host-ssl-cert', 'BASE/tls/cert.pem', { beside: [tls[0]!], gives: tlsWith({}) }],
  ['host-ssl-ca', 'BASE/tls/ca.pem', { beside: tls, gives: tlsWith({ caFile: 'BASE/tls/ca.pem' }) }],
  [
    'client-cert-required',
    'yes',
    { beside: [...tls, ['host-ssl-ca', 'tls/ca.pem']], gives: tlsWith({ caFile: 'BASE/tls/ca.pem', clientCertRequired: true }) }
  ],
  ['sts', 'on', { beside: tls, gives: { hsts: true } }],
  ['sts', 'on', { gives: { hsts: false }, warns: /no effect without TLS/ }],
  ['redirect-http', 'TRUE', { beside: tls, gives: { redirectHttp: true } }],
  ['redirect-http', '1', { gives: { redirectHttp: false }, warns: /no effect without TLS/ }],
  ['allow-non-tls', '1', { beside: [...tls, ['redirect-http', '1']], gives: { redirectHttp: true } }],
  ['allow-non-tls', '1', { beside: tls, ...idle(/never serves pages unencrypted/) }],
  ['allow-http-on-https', '1', { beside: tls, ...idle(/never serves pages unencrypted/) }],
  [
    'headers',
    [
      object([
        ['X-One:', 'a'],
        ['x-two', 'b'],
        ['x-one', 'c']
      ]),
      object([['x-three', 'd']])
    ],
    { gives: { headers: { 'x-one': 'a, c', 'x-two': 'b', 'x-three': 'd' } } }
  ],
  ['error-document-404', '/404.html', { gives: { errorDocument404: '/404.html' } }],
  ['keepalive_timeout', '60', { gives: { keepAliveTimeout: 60 } }],
  ['keepalive_timeout', '0', { gives: { keepAliveTimeout: 5 } }],
  ['keepalive-timeout', 61, { gives: { keepAliveTimeout: 61 } }],
  ['keeplive-timeout', '62', { gives: { keepAliveTimeout: 62 } }],
  ['access-log', 'BASE/run/access.log', { gives: { accessLog: 'BASE/run/access.log' } }],
  ['access-log', 'run/access.log', { gives: { accessLog: 'BASE/run/access.log' } }],
  ['onlyraw', 'no', {}],
  ['mounts', [], { gives: { mounts: [] } }],
  ['ws-protocols', [], { gives: { sessions: null, protocols: [] } }],
  ['strict-host-check', '1', idle(/first vhost of its port/)],
  ['disable-no-protocol-ws-upgrades', '1', idle(/websockets belong/)],
  ['ignore-missing-cert', '1', idle(/always an error/)],
  ['alpn', 'h2', idle(/HTTP\/1\.1/)],
  ...['ciphers', 'tls13-ciphers', 'ecdh-curve', 'ssl-option-set', 'ssl-option-clear'].map((key) => [key, '1', ciphers] as const),
  ...['listen-accept-role', 'listen-accept-protocol', 'apply-listen-accept', 'fallback-listen-accept'].map(
    (key) => [key, '1', roles] as const
  ),
  ...[
    'enable-client-ssl',
    'client-ssl-key',
    'client-ssl-cert',
    'client-ssl-ca',
    'client-ssl-ciphers',
    'client-tls13-ciphers',
    'ssl-client-option-set',
    'ssl-client-option-clear'
  ].map((key) => [key, '1', client] as const)
]

const callback = ['origin', 'callback://app'] as const
const cached: Entries = [
  ['cache-max-age', '60'],
  ['cache-reuse', '1']
]

const mounts: Table<LwswsMount> = [
  ['mountpoint', '/', { gives: { prefix: '/' } }],
  ['mountpoint', '/a/b/', { gives: { prefix: '/a/b' } }],
  ['origin', 'file://BASE/site/', { gives: { origin: { kind: 'files', directory: 'BASE/site' }, callback: null } }],
  ['origin', 'file://site', { gives: { origin: { kind: 'files', directory: 'BASE/site' } } }],
  ['origin', 'file://_lws_ddir_/needauth', { gives: { origin: { kind: 'files', directory: 'BASE/site/needauth' } } }],
  [
    'origin',
    'file://BASE/site',
    {
      beside: [callback],
      gives: { origin: { kind: 'files', directory: 'BASE/site' }, callback: 'app' },
      warns: /"ws-protocols" of this vhost does not have/
    }
  ],
  ['origin', 'callback://app', { gives: { origin: { kind: 'callback' }, callback: 'app' }, warns: /does not have/ }],
  ['origin', 'http://127.0.0.1:8080/x', { gives: { origin: { kind: 'proxy', url: 'http://127.0.0.1:8080/x' } } }],
  ['origin', 'https://example.com', { gives: { origin: { kind: 'proxy', url: 'https://example.com/' } } }],
  ['origin', '>https://example.com/new', { gives: { origin: { kind: 'redirect', url: 'https://example.com/new' } } }],
  ['origin', '^http://example.com/', { gives: { origin: { kind: 'redirect', url: 'http://example.com/' } } }],
  ['default', '/start.html', { gives: { default: 'start.html' } }],
  ['default', '', { gives: { default: null } }],
  ['auth-mask', '5', { gives: { mask: 5 }, warns: /is where people log in, and its auth-mask hides its own pages/ }],
  ['auth-mask', '2147483649', { gives: { mask: 0x8000_0001 }, warns: /has bit 31, which nobody can have/ }],
  [
    'interpret',
    object([
      ['.js', 'app'],
      ['.HTML', 'app'],
      ['menu.json', 'app']
    ]),
    { gives: { interpret: ['.js', '.html', 'menu.json'] } }
  ],
  ['cache-max-age', '60', { beside: [['cache-reuse', 'true']], gives: { cacheControl: 'private, max-age=60' } }],
  ['cache-max-age', '60', { gives: { cacheControl: 'no-store' }, warns: /no effect without "cache-reuse"/ }],
  ['cache-reuse', '1', { gives: { cacheControl: 'no-store' }, warns: /no effect without "cache-max-age"/ }],
  ['cache-revalidate', '1', { beside: cached, gives: { cacheControl: 'must-revalidate, private, max-age=60' } }],
  ['cache-intermediaries', '1', { beside: cached, gives: { cacheControl: 'public, max-age=60' } }],
  ['cache-intermediaries', '1', { beside: [...cached, ['auth-mask', '1']], gives: {}, warns: /never stored/ }],
  [
    'extra-mimetypes',
    object([
      ['.WASM', 'application/wasm'],
      ['.bin', ''],
      ['*', 'text/plain']
    ]),
    { gives: { mimeTypes: { '.wasm': 'application/wasm', '.bin': '', '*': 'text/plain' } } }
  ],
  ['basic-auth', 'BASE/db/passwords', { gives: { basicAuthFile: 'BASE/db/passwords' } }],
  ['protocol', 'app', idle(/lwsws ignores it as well/)],
  ['cgi-env', [object([['A', 'b']])], idle(/programs are not run/)],
  ['cgi-timeout', '5', idle(/programs are not run/)],
  ['pmo', [object([['a', 'b']])], idle(/belong to a protocol/)]
]

type Options = LwswsSessions['options']
const life = { idle: 600, absolute: 36_000, remembered: 36_000, anonymousIdle: 1200, anonymousAbsolute: 1200 }
const from = 'site@example.com'
const admin: Entries = [['admin-user', 'Boss']]
const sha1 = 'DA39A3EE5E6B4B0D3255BFEF95601890AFD80709'
const sha256 = 'E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855'

const sessions: Table<Options & { confounder: string }> = [
  ['status', 'ok', {}],
  ['admin-user', 'Boss', { beside: [['admin-password-hash', phc]], gives: { admin: { username: 'Boss', passwordHash: phc } } }],
  [
    'admin-password-sha1',
    sha1,
    {
      beside: admin,
      gives: { admin: { username: 'Boss', passwordHash: `$sha1$${sha1.toLowerCase()}` } },
      warns: /weak hash.*`gs hash-password`/
    }
  ],
  [
    'admin-password-sha256',
    sha256,
    {
      beside: admin,
      gives: { admin: { username: 'Boss', passwordHash: `$sha256$${sha256.toLowerCase()}` } },
      warns: /weak hash.*`gs hash-password`/
    }
  ],
  [
    'admin-password-hash',
    phc,
    {
      beside: [...admin, ['admin-password-sha1', sha1]],
      gives: { admin: { username: 'Boss', passwordHash: phc } },
      warns: /"admin-password-sha1" .* has no effect beside "admin-password-hash"/
    }
  ],
  ['session-db', 'db/x.sqlite3', { gives: { database: { sqlite: 'BASE/db/x.sqlite3' } } }],
  [
    'session-postgres',
    'postgres://me:secret@host/db',
    { beside: [['session-db', undefined]], gives: { database: { postgres: 'postgres://me:secret@host/db' } } }
  ],
  ['confounder', 'c'.repeat(200), { gives: { confounder: 'c'.repeat(200) } }],
  ['timeout-absolute-secs', '100', { gives: { session: { ...life, absolute: 100, remembered: 100 } } }],
  ['timeout-anon-absolute-secs', '101', { gives: { session: { ...life, anonymousAbsolute: 101 } } }],
  ['timeout-idle-secs', '102', { gives: { session: { ...life, idle: 102 } } }],
  ['timeout-anon-idle-secs', 103, { gives: { session: { ...life, anonymousIdle: 103 } } }],
  ['email-from', 'Site <me@example.com>', { gives: { mail: { from: 'Site <me@example.com>', smtp: 'smtp://127.0.0.1:25' } } }],
  [
    'email-from',
    undefined,
    { gives: { mail: { from: 'noreply@localhost', smtp: 'smtp://127.0.0.1:25' } }, warns: /has no key "email-from"/ }
  ],
  ['email-smtp-ip', '127.0.0.1:2525', { gives: { mail: { from, smtp: 'smtp://127.0.0.1:2525' } } }],
  ['email-smtp-ip', '::1', { gives: { mail: { from, smtp: 'smtp://[::1]:25' } } }],
  [
    'email-server-ip',
    '10.0.0.1',
    { gives: { mail: { from, smtp: 'smtp://10.0.0.1:25', allowInsecure: true } }, warns: /travel unencrypted.*email-smtp-url/ }
  ],
  [
    'email-server-ip',
    'localhost',
    {
      beside: [['email-smtp-ip', '127.0.0.1']],
      gives: { mail: { from, smtp: 'smtp://localhost:25' } },
      warns: /"email-smtp-ip" .* has no effect beside "email-server-ip"/
    }
  ],
  ['email-smtp-url', 'smtps://me:p%40ss@mail.example.com', { gives: { mail: { from, smtp: 'smtps://me:p%40ss@mail.example.com' } } }],
  [
    'email-smtp-url',
    'smtp://mail.example.com',
    {
      beside: [['email-server-ip', '127.0.0.1']],
      gives: { mail: { from, smtp: 'smtp://mail.example.com' } },
      warns: /"email-server-ip" .* has no effect/
    }
  ],
  ['email-expire', '7200', { gives: { links: { verifyEmail: 7200, forgotPassword: 7200 } } }],
  ['email-expire', '172800', { gives: { links: { verifyEmail: 172_800, forgotPassword: 86_400 } }, warns: /for 86400 at most/ }],
  ['email-helo', 'host.example.com', idle(/greeted by the name/)],
  [
    'email-contact-person',
    'Ann <ann@example.com>',
    { gives: { mail: { from, contact: 'Ann <ann@example.com>', smtp: 'smtp://127.0.0.1:25' } } }
  ],
  ['email-confirm-url-base', 'http://localhost:7681/members/', { gives: { baseUrl: 'http://localhost:7681', prefix: '/members' } }],
  [
    'email-confirm-url-base',
    'https://example.com',
    { gives: { baseUrl: 'https://example.com', prefix: '/lwsgs' }, warns: /cannot lead to the root/ }
  ],
  [
    'email-confirm-url-base',
    'https://localhost/x',
    {
      beside: [['base-url', 'https://www.localhost']],
      gives: { baseUrl: 'https://www.localhost', prefix: '/x' },
      warns: /forms are accepted only from pages of https:\/\/www\.localhost/
    }
  ],
  ['base-url', 'https://localhost/', { gives: { baseUrl: 'https://localhost', prefix: '/lwsgs' } }],
  ['email-template', 'x', idle(/never used it either/)],
  ['email-title', 'x', idle(/never used it either/)],
  ['urlroot', '/app/', { gives: { lwsgs: { urlroot: '/app' } } }],
  ['urlroot', 'http://localhost:7681/app', { gives: { lwsgs: { urlroot: '/app' } } }],
  ['site-name', 'My site', { gives: { siteName: 'My site' } }],
  ['sectors', ['editors', 'press'], { gives: { sectors: ['editors', 'press'] } }],
  ['sectors', 'editors, press', { gives: { sectors: ['editors', 'press'] } }],
  ['min-password-length', '12', { gives: { password: { minLength: 12 } } }],
  ['login-codes', '1', { gives: { loginCodes: true } }],
  ['default', '1', idle(/no websocket/)],
  ['raw', '1', idle(/no websocket/)]
]

/** Keys that are only ever refused; their sentences are below. */
const refusedKeys = ['basic-auth']

function subset<Result extends object>(actual: Result, expected: Partial<Result>): Partial<Result> {
  return Object.fromEntries(Object.keys(expected).map((key) => [key, actual[key as keyof Result]])) as Partial<Result>
}

function describeTable<Result extends object>(
  name: string,
  keys: LwswsKeys,
  table: Table<Result>,
  parts: (entries: Entries) => Parts,
  pick: (config: Read) => Result
): void {
  describe(`the keys of ${name}`, () => {
    for (const [key, value, { beside = [], gives = {}, warns }] of table) {
      it(`${key} ${(json(value) ?? 'missing').replace(/\s+/g, ' ')}${beside.length === 0 ? '' : ` beside ${beside.map(([other]) => other).join(', ')}`}`, (t) => {
        const config = readParts(t, parts([[key, value], ...beside]))
        assert.deepEqual(config.errors, [])
        if (warns === undefined) assert.deepEqual(config.warnings, [])
        else assert.match(config.warnings.join('\n'), warns)
        const actual = JSON.parse(JSON.stringify(pick(config)).replaceAll(config.base, 'BASE')) as Result
        assert.deepEqual(subset(actual, gives), gives)
      })
    }

    it('are all tried, and all documented', () => {
      const all = [...keys.known, ...Object.keys(keys.idle ?? {})]
      const tried = new Set([...table.map(([key]) => key), ...(name === sessionsName ? refusedKeys : [])])
      assert.deepEqual(all.toSorted(), [...tried].toSorted())
      const documentation = readFileSync(new URL('../../../../docs/lwsws-config.md', import.meta.url), 'utf8')
      assert.deepEqual(
        all.filter((key) => !documentation.includes(`\`${key}\``)),
        []
      )
    })
  })
}

const sessionsName = 'protocol-generic-sessions'
describeTable(
  'global',
  globalKeys,
  globals,
  (global) => ({ global }),
  ({ global }) => global
)
describeTable(
  'a vhost',
  vhostKeys,
  vhosts,
  (vhost) => ({ vhost: over([['mounts', []]], vhost) }),
  ({ vhosts }) => vhosts[0]!
)
describeTable(
  'a mount',
  mountKeys,
  mounts,
  (mount) => ({ mount }),
  ({ vhosts }) => vhosts[0]!.mounts[0]!
)
describeTable(
  sessionsName,
  sessionsKeys,
  sessions,
  (sessions) => ({ sessions }),
  ({ vhosts }) => ({ ...vhosts[0]!.sessions!.options, confounder: vhosts[0]!.sessions!.confounder })
)
