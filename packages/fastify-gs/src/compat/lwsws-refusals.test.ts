import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fileWith, mountObject, object, readParts, sessionsObject, vhostObject, type Entries, type Parts } from '../testing/lwsws-files.ts'

/** What is wrong, the text in whose line it stands, and the sentence without file and line. */
type Row = readonly [parts: Parts, place: string, sentence: RegExp]

const mount = (...entries: Entries): Parts => ({ mount: entries })
const vhost = (...entries: Entries): Parts => ({ vhost: [['mounts', []], ...entries] })
const sessions = (...entries: Entries): Parts => ({ sessions: entries })
const withMounts = (...mounts: Entries[]): Parts => ({ vhost: [['mounts', mounts.map((entries) => mountObject(entries))]] })
const without = { vhost: [['ws-protocols', []]] } as const
const admin = ['admin-user', 'Boss'] as const
const tls: Entries = [
  ['host-ssl-key', 'BASE/tls/key.pem'],
  ['host-ssl-cert', 'BASE/tls/cert.pem']
]

const errors: readonly Row[] = [
  // Numbers and switches that C would read as something else.
  [vhost(['port', '6o0']), '"port"', /the key "port" of the vhost "localhost" is "6o0"; write a whole number from 1 to 65535\.$/],
  [vhost(['port', '']), '"port"', /is ""; write a whole number/],
  [vhost(['port', '0x50']), '"port"', /is "0x50"; write/],
  [vhost(['port', 80.5]), '"port"', /is "80\.5"; write/],
  [vhost(['port', '70000']), '"port"', /is "70000"; write/],
  [vhost(['port', ['80']]), '"port"', /is no number; write/],
  [vhost(['keepalive_timeout', '5s']), '"keepalive_timeout"', /is "5s"; write seconds, like "60"\.$/],
  [vhost(['sts', 'enabled']), '"sts"', /is "enabled"; write "1" or "0", or one of on, yes/],
  [vhost(['sts', {}]), '"sts"', /is no text; write "1" or "0"/],
  [mount(['auth-mask', '5 # verified']), '"auth-mask"', /is "5 # verified"; write the sum of the bits as a decimal number, like "5"\.$/],
  [mount(['auth-mask', '']), '"auth-mask"', /is ""; write the sum of the bits/],
  [mount(['auth-mask', '0x7']), '"auth-mask"', /is "0x7"; write the sum of the bits/],
  [mount(['auth-mask', '-1']), '"auth-mask"', /is "-1"; write the sum of the bits/],
  [mount(['auth-mask', '4294967296']), '"auth-mask"', /is "4294967296"; write the sum of the bits/],
  [mount(['cache-max-age', '1h']), '"cache-max-age"', /is "1h"; write a whole number/],
  [sessions(['timeout-idle-secs', '0']), '"timeout-idle-secs"', /is "0"; write seconds, like "600"\.$/],
  [sessions(['email-expire', '1 day']), '"email-expire"', /is "1 day"; write seconds, like "86400"\.$/],
  [sessions(['min-password-length', '6']), '"min-password-length"', /is "6"; write a whole number from 8 to 64\.$/],
  [sessions(['login-codes', 'mail']), '"login-codes"', /is "mail"; write "1" or "0"/],
  // Texts.
  [vhost(['name', 7]), '"name"', /the key "name" of the vhost must be a text in double quotes\.$/],
  [vhost(['access-log', 'a\nb']), '"access-log"', /has a control character in it; remove it\.$/],
  [vhost(['access-log', '\ud800']), '"access-log"', /has a control character in it; remove it\.$/],
  // Keys.
  [
    { global: [['server-strng', 'x']] },
    '"server-strng"',
    /the key "server-strng" of "global" is not known; did you mean "server-string"\?$/
  ],
  [vhost(['Port', '80']), '"Port"', /is not known; did you mean "port"\?$/],
  [vhost(['keepalive_timeouts', '5']), '"keepalive_timeouts"', /did you mean "keepalive_timeout"\?$/],
  [
    mount(['authmask', '5']),
    '"authmask"',
    /the key "authmask" of the mount "\/lwsgs" of the vhost "localhost" is not known; did you mean "auth-mask"\?$/
  ],
  [mount(['__proto__x', '5']), '"__proto__x"', /is not known; remove it\.$/],
  [sessions(['admin-pasword-sha1', '5']), '"admin-pasword-sha1"', /did you mean "admin-password-sha1"\?$/],
  [
    {
      root: [
        ['vhost', []],
        ['vhosts', [vhostObject()]]
      ]
    },
    '"vhost"',
    /the key "vhost" of the configuration is not known; did you mean "vhosts"\?$/
  ],
  // The shape of the whole.
  [{ root: [] }, '{', /there is no vhost in the configuration, so nothing would be served/],
  [{ root: [['vhosts', []]] }, '{', /there is no vhost in the configuration, so nothing would be served/],
  [{ root: [['vhosts', {}]] }, '"vhosts"', /"vhosts" must be a list of objects, like/],
  [{ root: [['vhosts', [vhostObject(), 'x']]] }, '"x"', /"vhosts" must be a list of objects, like/],
  [
    {
      root: [
        ['global', 'x'],
        ['vhosts', [vhostObject()]]
      ]
    },
    '"global"',
    /"global" must be an object, like/
  ],
  [
    {
      root: [
        ['global', object([])],
        ['vhosts', [vhostObject()]],
        ['global', object([['server-string', 'x']])]
      ]
    },
    '"global"#2',
    /"global" stands here again, after \S+conf\.json:2; put all its keys into one object\.$/
  ],
  [{ global: [['server-string', 'ä']] }, '"server-string"', /is "ä"; write it in ASCII\.$/],
  // Vhosts.
  [
    { root: [['vhosts', [object([['port', '80']])]]] },
    '"vhosts"',
    /the vhost needs the key "name"; write the host name of the site, like "example\.com"\.$/
  ],
  [{ root: [['vhosts', [object([['name', 'a']])]]] }, '"vhosts"', /the vhost "a" needs the key "port"; write one like "7681"\.$/],
  [vhost(['name', '']), '"name"', /the key "name" of the vhost "" is empty; write the host name/],
  [vhost(['name', 'a.example:80']), '"name"', /is "a\.example:80"; write a host name without port and path/],
  [
    vhost(['interface', 'nowhere0']),
    '"interface"',
    /is "nowhere0", which is no address and no network interface of this machine \(.+\); correct it, or remove it/
  ],
  [vhost(['unix-socket', '1']), '"unix-socket"', /is on, and then "interface" must be the path of the socket/],
  [vhost(tls[0]!), '"host-ssl-key"', /stands alone; write "host-ssl-cert" beside it\.$/],
  [vhost(tls[1]!), '"host-ssl-cert"', /stands alone; write "host-ssl-key" beside it\.$/],
  [
    vhost(tls[1]!, ['host-ssl-key', 'BASE/tls/none.pem']),
    '"host-ssl-key"',
    /names the file "BASE\/tls\/none\.pem", which cannot be read; correct the path/
  ],
  [vhost(...tls, ['host-ssl-ca', 'BASE/tls']), '"host-ssl-ca"', /names the file "BASE\/tls", which cannot be read/],
  [vhost(['client-cert-required', '1']), '"client-cert-required"', /needs TLS; write "host-ssl-key", "host-ssl-cert" and "host-ssl-ca"\.$/],
  [
    vhost(...tls, ['client-cert-required', '1']),
    '"client-cert-required"',
    /needs "host-ssl-ca", or every certificate of any authority would do/
  ],
  [vhost(['onlyraw', '1']), '"onlyraw"', /every connection is HTTP here; remove this vhost\.$/],
  [vhost(['headers', { a: 'b' }]), '"headers"', /must be a list of objects: \[\{ "x-frame-options": "deny" \}\]\.$/],
  [vhost(['headers', [object([['x y', 'b']])]]), '"x y"', /has "x y": "b", which cannot be sent; write a name of letters/],
  [vhost(['headers', [object([['x', '\u20ac']])]]), '"x":', /which cannot be sent/],
  [vhost(['headers', [object([['Content-Length', '5']])]]), '"Content-Length"', /which the server itself decides about; remove it\.$/],
  [
    vhost(['error-document-404', '//evil.example/']),
    '"error-document-404"',
    /is "\/\/evil\.example\/"; write a path of this site, like "\/404\.html"\.$/
  ],
  [vhost(['error-document-404', 'https://evil.example/']), '"error-document-404"', /write a path of this site/],
  [vhost(['ws-protocols', {}]), '"ws-protocols"', /must be a list of objects/],
  [vhost(['ws-protocols', [object([['app', 'ok']])]]), '"app"', /must have an object for "app"/],
  [
    vhost([
      'ws-protocols',
      [
        object([
          ['app', {}],
          ['app', { a: 'b' }]
        ])
      ]
    ]),
    '"app": {"a"',
    /the protocol "app" of the vhost "localhost" stands here again/
  ],
  [
    vhost(['ws-protocols', [object([['protocol-generic-session', {}]])]]),
    '"protocol-generic-session"',
    /is not known; did you mean "protocol-generic-sessions"\?$/
  ],
  // Mounts.
  [
    vhost(['mounts', [object([['origin', 'file://BASE/site']])]]),
    '"mounts"#2',
    /needs the key "mountpoint"; write a path like "\/lwsgs"\.$/
  ],
  [mount(['mountpoint', '']), '"mountpoint"', /is empty; write a path like/],
  [mount(['mountpoint', 'lwsgs']), '"mountpoint"', /is "lwsgs"; write a path of letters, digits and - \. _ ~ that begins with a slash/],
  [mount(['mountpoint', '/a/../b']), '"mountpoint"', /is "\/a\/\.\.\/b"; write a path/],
  [mount(['mountpoint', '/a b']), '"mountpoint"', /is "\/a b"; write a path/],
  [
    vhost(['mounts', [object([['mountpoint', '/x']])]]),
    '"mounts"#2',
    /the mount "\/x" of the vhost "localhost" needs the key "origin"; write "file:/
  ],
  [mount(['origin', '']), '"origin"', /is empty; write "file:\/\/\/path/],
  [
    mount(['origin', 'cgi:///bin/x']),
    '"origin"',
    /begins with cgi:\/\/, and programs are not run here; serve the program by a server of its own/
  ],
  [mount(['origin', 'gzip:///x.zip']), '"origin"', /begins with gzip:\/\/.*unpack the archive/],
  [mount(['origin', 'fil:///x']), '"origin"', /is "fil:\/\/\/x", which is no origin; .*did you mean "file:\/\/"\?$/],
  [mount(['origin', '/srv/x']), '"origin"', /is "\/srv\/x", which is no origin; write one that begins with file:\/\//],
  [mount(['origin', '>file:///srv']), '"origin"', /which is no origin/],
  [mount(['origin', 'file://']), '"origin"', /names no directory/],
  [mount(['origin', 'file://BASE/nothing']), '"origin"', /names the directory "BASE\/nothing", which is not there or cannot be read/],
  [mount(['origin', 'file://BASE/tls/key.pem']), '"origin"', /names the directory .*, which is not there/],
  [mount(['origin', 'http://user@host/']), '"origin"', /write an address without user and query/],
  [mount(['origin', 'http://host/?a']), '"origin"', /write an address without user and query/],
  [mount(['origin', 'callback://']), '"origin"', /names no protocol/],
  [mount(['origin', 'file://BASE/site'], ['origin', 'http://host/']), '"http://host/"', /is the second one that serves something/],
  [
    mount(['origin', 'callback://a'], ['origin', 'callback://b'], ['origin', 'file://BASE/site']),
    '"callback://b"',
    /is the second one that names a protocol/
  ],
  [mount(['default', '../x.html']), '"default"', /is "\.\.\/x\.html"; write the name of a file in the directory/],
  [
    mount(['interpret', object([['.php', 'app']])]),
    '".php"',
    /has the suffix "\.php", for which nobody knows how to insert values safely; possible are \.js, /
  ],
  [mount(['interpret', object([['js', 'app']])]), '"js"', /has the suffix "js", for which nobody knows/],
  [mount(['interpret', ['.js']]), '"interpret"', /must be an object: \{ "\.js": "name of a protocol" \}\.$/],
  [mount(['interpret', object([['.js', 1]])]), '"interpret"', /must have texts in double quotes/],
  [mount(['extra-mimetypes', object([['wasm', 'a/b']])]), '"wasm"', /write one with its dot, like "\.wasm"/],
  [mount(['extra-mimetypes', object([['.a', '\u20ac']])]), '".a"', /which cannot be sent; write one like/],
  [mount(['basic-auth', '']), '"basic-auth"', /is empty; write the path of a file with lines user:password, or remove the key\.$/],
  [mount(['basic-auth', 'BASE/db/none']), '"basic-auth"', /names the file "BASE\/db\/none", which cannot be read/],
  // Nothing fails open.
  [
    { ...without, mount: [['auth-mask', '5']] },
    '"mounts"',
    /has the auth-mask 5, which nobody could enforce; enable protocol-generic-sessions in "ws-protocols" of this vhost/
  ],
  [{ ...without, mount: [['interpret', object([['.js', 'app']])]] }, '"mounts"', /has "interpret", and there are no sessions/],
  [sessions(['basic-auth', 'BASE/db/passwords']), '"basic-auth"', /would protect nothing.*write it into the mounts/],
  [
    withMounts([], [['origin', 'file://BASE/other']]),
    '},{',
    /the mount "\/lwsgs" of the vhost "localhost" stands here again, after \S+conf\.json:\d+; remove one of them/
  ],
  [
    withMounts(
      [],
      [
        ['mountpoint', '/x'],
        ['auth-mask', '5']
      ]
    ),
    '},{',
    /the mount "\/x" .* has the directory "BASE\/site" with the auth-mask 5, and the mount "\/lwsgs" at \S+ has it with the auth-mask 0; give both the same protection/
  ],
  [
    withMounts(
      [],
      [
        ['mountpoint', '/x'],
        ['basic-auth', 'BASE/db/passwords']
      ]
    ),
    '},{',
    /with the auth-mask 0 and a basic-auth, and the mount "\/lwsgs"/
  ],
  [
    mount(['origin', 'file://BASE/db']),
    '"mounts"',
    /would serve the database "BASE\/db\/lws\.sqlite3", which lies in its directory; move one of them\.$/
  ],
  [mount(['origin', 'file://BASE']), '"mounts"', /would serve the configuration "BASE\/conf\.json"/],
  [
    { vhost: [...tls, ['mounts', [mountObject([['origin', 'file://BASE/tls']])]]] },
    '"mounts"',
    /would serve the private key "BASE\/tls\/key\.pem"/
  ],
  // Sessions.
  [sessions(['session-db', '']), '"session-db"', /is empty; write the path of a file/],
  [sessions(['session-db', undefined]), '"protocol-generic-sessions"', /needs the key "session-db"/],
  [sessions(['session-db', 'BASE/none/x']), '"session-db"', /lies in the directory "BASE\/none", which is not there/],
  [sessions(['session-db', 'BASE/db']), '"session-db"', /is the directory "BASE\/db"; write the path of a file in it/],
  [sessions(['session-postgres', 'postgres://host/db']), '"session-postgres"', /stands beside "session-db"; remove one of them\.$/],
  [
    sessions(['session-db', undefined], ['session-postgres', 'mysql://me:hidden@host/db']),
    '"session-postgres"',
    /is no address of a database; write one like/
  ],
  [sessions(admin), '"admin-user"', /has no password beside it; write "admin-password-hash" with what `gs hash-password` prints/],
  [sessions(['admin-password-hash', 'x']), '"admin-password-hash"', /has no "admin-user" beside it/],
  [
    sessions(admin, ['admin-password-hash', 'hidden']),
    '"admin-password-hash"',
    /is no hash of argon2id; write what `gs hash-password` prints\.$/
  ],
  [sessions(admin, ['admin-password-sha1', 'hidden']), '"admin-password-sha1"', /is not 40 hexadecimal digits/],
  [sessions(admin, ['admin-password-sha256', 'a'.repeat(40)]), '"admin-password-sha256"', /is not 64 hexadecimal digits/],
  [sessions(['admin-user', 'a<b'], ['admin-password-sha1', 'a'.repeat(40)]), '"admin-user"', /is "a<b"; write a name of letters/],
  [
    sessions(['base-url', 'example.com']),
    '"base-url"',
    /is "example\.com"; write an address without user and query, like "https:\/\/example\.com"\.$/
  ],
  [sessions(['base-url', 'https://example.com/x']), '"base-url"', /write the public origin of the site without a path/],
  [sessions(['email-confirm-url-base', 'http://localhost/a b']), '"email-confirm-url-base"', /write an address without user and query/],
  [sessions(['email-confirm-url-base', 'http://localhost/a%20b']), '"email-confirm-url-base"', /has the path "\/a%20b"/],
  [
    { vhost: [...tls], sessions: [['email-confirm-url-base', 'http://localhost:7681/lwsgs']] },
    '"email-confirm-url-base"',
    /begins with http:\/\/, but the vhost "localhost" speaks TLS; write "https:\/\/localhost:7681\/lwsgs"\.$/
  ],
  [
    { vhost: [['name', '*.example.com']] },
    '"protocol-generic-sessions"',
    /needs the key "base-url", because the public address does not follow from the vhost/
  ],
  [
    sessions(['email-from', 'me']),
    '"email-from"',
    /the key "email-from" of protocol-generic-sessions of the vhost "localhost" must be a sender like/
  ],
  [sessions(['email-smtp-ip', 'a b']), '"email-smtp-ip"', /is "a b"; write a host or address, with a port if it is not 25/],
  [sessions(['email-server-ip', '127.0.0.1:99999']), '"email-server-ip"', /write a host or address/],
  [sessions(['email-smtp-url', 'me:hidden@host']), '"email-smtp-url"', /is no address of a mail server; write one like/],
  [sessions(['email-smtp-url', 'smtp://me:hidden%@host']), '"email-smtp-url"', /write it as %25\.$/],
  [sessions(['urlroot', 'https://evil.example/']), '"urlroot"', /is "https:\/\/evil\.example\/"; write a path of this site/],
  [sessions(['urlroot', '//evil.example']), '"urlroot"', /write a path of this site/],
  [sessions(['urlroot', 'app']), '"urlroot"', /write a path of this site/],
  [sessions(['sectors', [1]]), '"sectors"', /must be a list of names/],
  [sessions(['sectors', 'admin']), '"sectors"', /has the name "admin"/],
  // Several vhosts.
  [
    {
      root: [
        [
          'vhosts',
          [
            vhostObject(),
            vhostObject({
              vhost: [
                ['name', 'LOCALHOST'],
                ['mounts', []],
                ['ws-protocols', []]
              ]
            })
          ]
        ]
      ]
    },
    '},{',
    /the vhost "LOCALHOST" on port 7681 stands here again, after \S+conf\.json:2; remove one of them/
  ],
  [
    { root: [['vhosts', [vhostObject(), vhostObject({ vhost: [['name', 'other'], ['mounts', []], ['ws-protocols', []], ...tls] })]]] },
    '},{',
    /the vhost "other" speaks TLS on port 7681, and the vhost "localhost" at \S+ there is plain; give one of them another port\.$/
  ],
  [
    {
      root: [
        [
          'vhosts',
          [
            vhostObject(),
            vhostObject({
              vhost: [
                ['port', '80'],
                ['mounts', []]
              ],
              sessions: [admin, ['admin-password-sha1', 'a'.repeat(40)]]
            })
          ]
        ]
      ]
    },
    '"protocol-generic-sessions"#2',
    /has the same database as the vhost "localhost" at \S+, but another admin/
  ],
  [
    {
      root: [
        [
          'vhosts',
          [
            vhostObject(),
            vhostObject({
              vhost: [
                ['port', '80'],
                ['mounts', []]
              ],
              sessions: [['sectors', 'a']]
            })
          ]
        ]
      ]
    },
    '"protocol-generic-sessions"#2',
    /but other "sectors"/
  ],
  [
    {
      root: [
        [
          'vhosts',
          [
            vhostObject(),
            vhostObject({
              vhost: [
                ['port', '80'],
                ['mounts', []]
              ],
              sessions: [['confounder', 'hidden']]
            })
          ]
        ]
      ]
    },
    '"protocol-generic-sessions"#2',
    /but another confounder/
  ],
  [
    vhost([
      'ws-protocols',
      [object([['protocol-generic-sessions', sessionsObject()]]), object([['protocol-generic-sessions', sessionsObject()]])]
    ]),
    '"protocol-generic-sessions"#2',
    /the protocol "protocol-generic-sessions" of the vhost "localhost" stands here again/
  ],
  [
    mount(['mountpoint', '/lwsgs/session']),
    '"mounts"',
    /the mount "\/lwsgs\/session" of the vhost "localhost" is where protocol-generic-sessions itself answers/
  ],
  [mount(['mountpoint', '/lwsgs/lwsgs-check']), '"mounts"', /is where protocol-generic-sessions itself answers; give it another mountpoint/]
]

const warnings: readonly Row[] = [
  // Nothing there protects anything.
  [{ global: [['eth', 'lo']] }, '"eth"', /the key "eth" of "global" is not known; remove it\.$/],
  [vhost(['access-log', 'a'], ['access-log', 'b']), '"access-log"#2', /stands here again; the last one counts, remove the other\.$/],
  [sessions(['site-name', 'a'], ['site-name', 'b']), '"site-name"#2', /stands here again; the first one counts, remove the other\.$/],
  [
    mount(['origin', 'callback://app'], ['origin', 'file://BASE/site']),
    '"file://BASE/site"',
    /has no effect, because the "callback:\/\/" before it serves everything/
  ],
  [mount(['origin', 'http://127.0.0.1:1/'], ['default', 'x.html']), '"default"', /has no effect: this mount serves no files\.$/],
  [
    mount(['origin', 'callback://ap']),
    '"mounts"',
    /names the protocol "ap", which "ws-protocols" of this vhost does not have; add it there/
  ],
  [mount(['auth-mask', '5']), '"mounts"', /is where people log in, and its auth-mask hides its own pages/],
  [sessions(['email-contact-person', 'Set Me <>']), '"email-contact-person"', /is still the text of the sample/],
  [sessions(['confounder', 'Change to <=31 chars of junk']), '"confounder"', /is that of the sample, which everybody knows/],
  [sessions(['base-url', 'http://example.com']), '"base-url"', /names the host example\.com, and the vhost "localhost" has another name/],
  [
    {
      root: [
        [
          'vhosts',
          [
            vhostObject(),
            vhostObject({
              vhost: [
                ['port', '80'],
                ['mounts', []]
              ]
            })
          ]
        ]
      ]
    },
    '"protocol-generic-sessions"#2',
    /links in mails may begin with either address, http:\/\/localhost\/lwsgs or http:\/\/localhost:7681\/lwsgs\.$/
  ],
  [
    {
      root: [
        [
          'vhosts',
          [
            vhostObject(),
            vhostObject({
              vhost: [['port', '80']],
              mount: [
                ['mountpoint', '/x'],
                ['origin', 'file://BASE/site/needauth'],
                ['auth-mask', '5']
              ]
            })
          ]
        ]
      ]
    },
    '"mounts"#2',
    /but its files are also in the mount "\/lwsgs" of the vhost "localhost" at \S+ with the auth-mask 0; protect that one as well/
  ]
]

/** The line of a text, or of its `#n`-th occurrence. */
function lineOf(text: string, place: string): number {
  const [, needle = place, nth = '1'] = /^(.*)#(\d)$/.exec(place) ?? []
  let offset = -1
  for (let n = Number(nth); n > 0; n -= 1) offset = text.indexOf(needle, offset + 1)
  assert.ok(offset >= 0, `${place} is not in the file`)
  return text.slice(0, offset).split('\n').length
}

for (const [severity, rows] of [
  ['errors', errors],
  ['warnings', warnings]
] as const) {
  describe(`the ${severity} of a configuration`, () => {
    for (const [parts, place, sentence] of rows) {
      it(`${place}: ${sentence.source}`, (t) => {
        const config = readParts(t, parts)
        const found = config[severity].map((message) => /^BASE\/conf\.json:(\d+): (.*)$/.exec(message)!)
        const match = found.find(([, , text]) => sentence.test(text!))
        assert.ok(match, config[severity].join('\n') || 'nothing was found')
        assert.equal(Number(match[1]), lineOf(fileWith(parts), place))
        assert.doesNotMatch(config.problems.map(({ message }) => message).join('\n'), /hidden/)
      })
    }
  })
}
