import assert from 'node:assert/strict'
import { existsSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import Fastify from 'fastify'
import fastifyGs, { gsMount, lwsgsHashes } from '../index.ts'
import { json, mountObject, object, read, readParts, vhostObject } from '../testing/lwsws-files.ts'
import { readLwswsConfig } from './lwsws-config.ts'
import { globalKeys } from './lwsws-global.ts'
import { mountKeys } from './lwsws-mount.ts'
import { sessionsKeys } from './lwsws-sessions.ts'
import { vhostKeys } from './lwsws-vhost.ts'

const sample = `{
 "vhosts": [{
  "name": "localhost", # the public name
  "port": "7681",
  "mounts": [{
   # everybody may see these
   "mountpoint": "/lwsgs",
   "origin": "file://_lws_ddir_",
   "origin": "callback://protocol-lws-messageboard",
   "default": "start.html",
   "auth-mask": "0",
   "interpret": { ".js": "protocol-lws-messageboard" }
  }, {
   "mountpoint": "/lwsgs/needauth",
   "origin": "file://_lws_ddir_/needauth",
   "origin": "callback://protocol-lws-messageboard",
   "default": "start.html",
   "auth-mask": "5", # logged in, and verified
   "interpret": { ".js": "protocol-lws-messageboard" }
  }, {
   "mountpoint": "/lwsgs/needadmin",
   "origin": "file://_lws_ddir_/needadmin",
   "origin": "callback://protocol-lws-messageboard",
   "auth-mask": "7",
   "interpret": { ".js": "protocol-lws-messageboard" }
  }],
  "ws-protocols": [{
   "protocol-generic-sessions": {
    "status": "ok",
    "admin-user": "admin",
    "admin-password-sha1": "046ce9a9cca769e85798133be06ef30c9c0122c9",
    "session-db": "BASE/db/lws.sqlite3",
    "timeout-idle-secs": "600",
    "timeout-anon-idle-secs": "1200",
    "timeout-absolute-secs": "6000",
    "confounder": "Change to <=31 chars of junk",
    "email-from": "",
    "email-smtp-ip": "",
    "email-expire": "3600",
    "email-helo": "",
    "email-contact-person": "Set Me <>",
    "email-confirm-url-base": "http://localhost:7681/lwsgs"
   },
   "protocol-lws-messageboard": { "status": "ok", "message-db": "BASE/db/board.sqlite3" }
  }]
 }]
}`

describe('the sample of the original', () => {
  const files = {
    'etc/conf': '{ "global": { "uid": "99", "gid": "99", "init-ssl": "no", "server-string": "lwsws" } }',
    'etc/conf.d/site': sample
  }

  it('becomes mounts and options', (t) => {
    const { errors, warnings, vhosts, global, base, files: found } = read(t, files)
    assert.deepEqual(errors, [])
    assert.deepEqual(
      warnings.map((message) => message.replace(/^BASE\/etc\/(\S+): .*?"([\w-]+)".*$/, '$1 $2')),
      [
        'conf:1 uid',
        'conf:1 gid',
        'conf.d/site:31 admin-password-sha1',
        'conf.d/site:36 confounder',
        'conf.d/site:37 email-from',
        'conf.d/site:41 email-contact-person',
        'conf.d/site:44 protocol-lws-messageboard'
      ]
    )
    assert.match(warnings[2]!, /that of the password in the sample.* `gs hash-password` /)
    assert.deepEqual(global, { serverString: 'lwsws' })
    assert.deepEqual(found, [join(base, 'etc/conf'), join(base, 'etc/conf.d/site')])
    const [vhost] = vhosts
    assert.ok(vhost?.sessions)
    const { sessions, mounts, ...settings } = vhost
    const file = join(base, 'etc/conf.d/site')
    assert.deepEqual(settings, {
      name: 'localhost',
      port: 7681,
      interface: null,
      unixSocket: null,
      tls: null,
      hsts: false,
      redirectHttp: false,
      headers: {},
      errorDocument404: null,
      keepAliveTimeout: 5,
      accessLog: null,
      protocols: ['protocol-lws-messageboard'],
      file,
      line: 2
    })
    const common = {
      callback: 'protocol-lws-messageboard',
      interpret: ['.js'],
      cacheControl: 'no-store',
      mimeTypes: {},
      basicAuthFile: null,
      file
    }
    const directory = join(base, 'site')
    assert.deepEqual(mounts, [
      { prefix: '/lwsgs', origin: { kind: 'files', directory }, default: 'start.html', mask: 0, line: 5, ...common },
      {
        prefix: '/lwsgs/needauth',
        origin: { kind: 'files', directory: join(directory, 'needauth') },
        default: 'start.html',
        mask: 5,
        line: 13,
        ...common
      },
      {
        prefix: '/lwsgs/needadmin',
        origin: { kind: 'files', directory: join(directory, 'needadmin') },
        default: null,
        mask: 7,
        line: 20,
        ...common
      }
    ])
    assert.deepEqual(sessions, {
      options: {
        baseUrl: 'http://localhost:7681',
        database: { sqlite: join(base, 'db/lws.sqlite3') },
        mail: { from: 'noreply@localhost', smtp: 'smtp://127.0.0.1:25' },
        prefix: '/lwsgs',
        admin: { username: 'admin', passwordHash: '$sha1$046ce9a9cca769e85798133be06ef30c9c0122c9' },
        session: { idle: 600, absolute: 6000, remembered: 6000, anonymousIdle: 1200, anonymousAbsolute: 1200 },
        password: { minLength: 8 },
        links: { verifyEmail: 3600, forgotPassword: 3600 }
      },
      confounder: 'Change to <=31 chars of junk',
      file,
      line: 28
    })
  })

  it('is accepted by fastify-gs, which serves its mounts and knows its admin', async (t) => {
    const { vhosts, base } = read(t, { ...files, 'site/start.html': '<p>start</p>', 'site/needadmin/index.html': '<p>admins</p>' })
    const { sessions, mounts } = vhosts[0]!
    const { options, confounder } = sessions!
    const app = Fastify()
    t.after(() => app.close())
    const legacy = lwsgsHashes({ confounder })
    await app.register(fastifyGs, { ...options, password: { ...options.password, legacy }, keys: ['0123456789abcdefghijklmnopqrstuvwxyz'] })
    for (const { prefix, origin, default: index, mask, interpret, cacheControl } of mounts) {
      assert.ok(origin.kind === 'files')
      await app.register(gsMount, {
        prefix,
        root: origin.directory,
        mask,
        interpret,
        cacheControl,
        ...(index !== null && { default: index })
      })
    }
    assert.ok(existsSync(join(base, 'db/lws.sqlite3')))
    const page = await app.inject('/lwsgs/')
    assert.match(page.body, /start/)
    assert.equal((await app.inject('/lwsgs/needadmin/')).statusCode, 401)
    const login = await app.inject({ method: 'POST', url: '/lwsgs/login', payload: { username: 'admin', password: 'jipdocesExunt' } })
    assert.equal(login.statusCode, 200, login.body)
    const [{ name, value }] = login.cookies as [{ name: string; value: string }]
    const inside = await app.inject({ url: '/lwsgs/needadmin/', cookies: { [name]: value } })
    assert.match(inside.body, /admins/)
  })
})

describe('the files of a configuration', () => {
  const named = (name: string, port: string) =>
    object([
      [
        'vhosts',
        [
          vhostObject({
            vhost: [
              ['name', name],
              ['port', port],
              ['mounts', []],
              ['ws-protocols', []]
            ]
          })
        ]
      ]
    ]).text

  it('are conf and all of conf.d by name, directories left out', (t) => {
    const config = read(t, {
      'etc/conf.d/b': named('b', '80'),
      'etc/conf.d/a': named('a', '80'),
      'etc/conf.d/directory/c': 'no configuration',
      'etc/conf': named('z', '80')
    })
    assert.deepEqual(config.errors, [])
    assert.deepEqual(
      config.vhosts.map(({ name }) => name),
      ['z', 'a', 'b']
    )
  })

  it('are followed through symbolic links', (t) => {
    const { base } = read(t, { 'etc/conf': '{}', 'available/a': named('a', '80') })
    symlinkSync('../../available/a', join(base, 'etc/conf.d/a'))
    const { problems, vhosts } = readLwswsConfig(join(base, 'etc'))
    assert.deepEqual(problems, [])
    assert.equal(vhosts[0]?.file, join(base, 'etc/conf.d/a'))
  })

  it('have one global among them', (t) => {
    const { errors, global } = read(t, {
      'etc/conf': '{ "global": { "server-string": "one" } }',
      'etc/conf.d/a': named('a', '80').replace('{', '{ "global": { "server-string": "two" },')
    })
    assert.deepEqual(errors, ['BASE/etc/conf.d/a:1: "global" stands here again, after BASE/etc/conf:1; put all its keys into one object.'])
    assert.equal(global.serverString, 'one')
  })

  it('have their logins at the first callback mount that is open to everybody, or at /lwsgs', (t) => {
    const at = (mountpoint: string, mask: string) =>
      mountObject([
        ['mountpoint', mountpoint],
        ['origin', 'callback://protocol-generic-sessions'],
        ['auth-mask', mask]
      ])
    const prefixOf = (...mounts: ReturnType<typeof at>[]) =>
      readParts(t, { vhost: [['mounts', mounts]] }).vhosts[0]!.sessions!.options.prefix
    assert.equal(prefixOf(at('/', '0'), at('/needauth', '5')), '/lwsgs')
    assert.equal(prefixOf(at('/needauth', '5'), at('/people', '0')), '/people')
  })

  it('all give their mounts and vhosts where lists stand more than once', (t) => {
    const list = (prefix: string) => ['mounts', [mountObject([['mountpoint', prefix]])]] as const
    const vhost = vhostObject({ vhost: [list('/a'), list('/b')] })
    const { errors, vhosts } = read(
      t,
      {
        'conf.json': object([
          ['vhosts', [vhost]],
          [
            'vhosts',
            [
              vhostObject({
                vhost: [
                  ['port', '80'],
                  ['ws-protocols', []]
                ]
              })
            ]
          ]
        ]).text
      },
      'conf.json'
    )
    assert.deepEqual(errors, [])
    assert.deepEqual(
      vhosts.map(({ mounts }) => mounts.map(({ prefix }) => prefix)),
      [['/a', '/b'], ['/lwsgs']]
    )
  })

  const bad: readonly (readonly [name: string, files: Readonly<Record<string, string | Buffer>>, sentence: RegExp])[] = [
    ['a directory without conf', {}, /^BASE\/etc\/conf:1: this file cannot be read \(ENOENT\); correct the path/],
    ['a file that is no JSON', { 'etc/conf': '{\n}\n{}' }, /^BASE\/etc\/conf:3: something follows the end of the JSON object/],
    ['a list', { 'etc/conf': '# one\n[]' }, /^BASE\/etc\/conf:2: this is no JSON object; write \{ "vhosts"/],
    [
      'a file in another encoding',
      { 'etc/conf': Buffer.from('{ "global": { "server-string": "\u00e9" } }', 'latin1') },
      /^BASE\/etc\/conf:1: this file is not in UTF-8; save it in UTF-8/
    ],
    ['a file that is too large', { 'etc/conf': ' '.repeat(1_048_577) }, /at most 1 MiB/],
    ['a link to nowhere', { 'etc/conf': '{}', 'etc/conf.d/->gone': '' }, /^BASE\/etc\/conf\.d\/link:1: this file cannot be read \(ENOENT\)/]
  ]
  for (const [name, files, sentence] of bad) {
    it(`are refused in a sentence: ${name}`, (t) => {
      const texts = Object.entries(files).filter(([file]) => !file.includes('->'))
      const { base } = read(t, {})
      for (const [file, content] of texts) writeFileSync(join(base, file), content)
      if (texts.length < Object.keys(files).length) symlinkSync('gone', join(base, 'etc/conf.d/link'))
      const [problem] = readLwswsConfig(join(base, 'etc')).problems
      assert.equal(problem?.severity, 'error')
      assert.match(problem.message.replaceAll(base, 'BASE'), sentence)
    })
  }

  it('are asked for when the path is wrong', (t) => {
    const { errors, vhosts, files } = read(t, {}, 'nothing')
    assert.deepEqual(errors, ['BASE/nothing:1: this cannot be read (ENOENT); name a directory with a file "conf" in it, or a file.'])
    assert.deepEqual([vhosts, files], [[], []])
  })
})

describe('readLwswsConfig', () => {
  /** Every key of all tables somewhere, with values of every kind. */
  const words = [globalKeys, vhostKeys, mountKeys, sessionsKeys].flatMap((keys) => [...keys.known, ...Object.keys(keys.idle ?? {})])
  const leaf = fc.oneof(
    fc.constantFrom(
      '',
      '0',
      '1',
      '5',
      '80',
      '/x',
      '/',
      'file://site',
      'callback://app',
      'http://a/',
      '>https://a/',
      'localhost',
      '*.a',
      'a,b',
      '__proto__',
      '_lws_ddir_',
      '\0',
      '\ud800'
    ),
    fc.string({ unit: 'binary', maxLength: 8 }),
    fc.integer(),
    fc.boolean(),
    fc.constant(null)
  )
  const entries = (inner: fc.Arbitrary<unknown>) =>
    fc.array(fc.tuple(fc.oneof(fc.constantFrom(...words, 'protocol-generic-sessions', '__proto__'), fc.string({ maxLength: 4 })), inner), {
      maxLength: 8
    })
  const bag = (inner: fc.Arbitrary<unknown>) => entries(inner).map(object)
  const { any } = fc.letrec<{ any: unknown }>((tie) => ({
    any: fc.oneof({ maxDepth: 3 }, leaf, fc.array(tie('any'), { maxLength: 3 }), bag(tie('any')))
  }))
  const sessions = entries(leaf).map((more) => [object([['protocol-generic-sessions', object([...more, ['session-db', 'x.sqlite3']])]])])
  const vhost = fc.tuple(bag(any), fc.array(bag(leaf), { maxLength: 3 }), fc.oneof(sessions, any)).map(([others, mounts, protocols]) =>
    object([
      ['name', 'a'],
      ['port', '80'],
      ['mounts', mounts],
      ['ws-protocols', protocols],
      ['x', others]
    ])
  )

  it('throws nothing, whatever stands in the file, and names a line in every sentence', (t) => {
    const { base } = read(t, {})
    const file = join(base, 'conf.json')
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          any.map(json),
          fc.array(vhost, { maxLength: 3 }).map((list) => object([['vhosts', list]]).text)
        ),
        (text) => {
          writeFileSync(file, text)
          const { problems } = readLwswsConfig(file)
          const lines = text.split('\n').length
          for (const { line, message } of problems) {
            assert.ok(line >= 1 && line <= lines)
            assert.ok(message.startsWith(`${file}:${line}: `) && /[.?]$/.test(message), message)
            assert.doesNotMatch(message, /\p{Cc}/u)
          }
        }
      ),
      { numRuns: 500 }
    )
  })
})
