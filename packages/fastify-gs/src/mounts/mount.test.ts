import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import Fastify, { type FastifyInstance } from 'fastify'
import { GsOptionError, gsMount, type GsMountOptions } from '../index.ts'
import { build } from '../testing/build.ts'
import { temporaryDirectory } from '../testing/databases.ts'
import { rawRequest } from '../testing/raw-request.ts'

const canary = 'CANARY-7f3a'

/** Writes a tree of files; gives its path. */
function plant(directory: string, files: Readonly<Record<string, string>>): string {
  for (const [name, content] of Object.entries(files)) {
    const path = join(directory, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content)
  }
  return directory
}

interface Roots {
  readonly base: string
  readonly open: string
  readonly closed: string
  readonly pub: string
  readonly inner: string
  readonly outer: string
  readonly nested: string
}

/** Three pairs of an open and a closed mount: beside one another, one below the other, and the files of one in a directory of the other. */
function plantRoots(t: TestContext): Roots {
  const base = temporaryDirectory(t)
  const protectedFiles = {
    'index.html': `<h1>${canary}</h1>`,
    's.html': `<p>${canary}</p>`,
    'app.js': `'${canary}'`,
    'dir/index.html': canary,
    'dir/s.html': canary,
    'bare/s.html': canary,
    'caf\u00e9.html': canary,
    '.env': canary
  }
  const openFiles = {
    'index.html': '<h1>welcome</h1>',
    'page.html': '<p>page</p>',
    'a.js': '1',
    'dir/index.html': 'index of dir',
    'bare/page.html': 'in a directory without index',
    '.env': canary,
    '.git/config': canary,
    '.well-known/security.txt': canary,
    'dir/.hidden/x.html': canary
  }
  plant(base, { 'outside.txt': canary })
  return {
    base,
    open: plant(join(base, 'open'), openFiles),
    closed: plant(join(base, 'closed'), protectedFiles),
    pub: plant(join(base, 'pub'), openFiles),
    inner: plant(join(base, 'inner'), protectedFiles),
    outer: plant(join(base, 'outer'), openFiles),
    nested: plant(join(base, 'outer/needauth'), protectedFiles)
  }
}

const mountAll = async (app: FastifyInstance, { open, closed, pub, inner, outer, nested }: Roots, policy: number) => {
  await app.register(gsMount, { prefix: '/pub', root: pub })
  await app.register(gsMount, { prefix: '/needauth', root: closed, policy })
  await app.register(gsMount, { prefix: '/lwsgs', root: open, policy: 0 })
  await app.register(gsMount, { prefix: '/lwsgs/needauth', root: inner, policy })
  await app.register(gsMount, { prefix: '/nest', root: outer, interpret: ['.js'] })
  await app.register(gsMount, { prefix: '/nest/needauth', root: nested, policy, interpret: ['.js'] })
}

/** The closed mount of each pair, and its open neighbour. */
const pairs = [
  ['/needauth', '/pub'],
  ['/lwsgs/needauth', '/lwsgs'],
  ['/nest/needauth', '/nest']
] as const

const listen = async (app: FastifyInstance) => {
  await app.listen({ port: 0, host: '127.0.0.1' })
  return (app.server.address() as AddressInfo).port
}

/** Ways to write the path of a file that is behind a policy (security catalogue PT-01 to PT-13). */
const spellings = (mount: string, open: string): readonly string[] => [
  ...[
    '',
    '/',
    '/index.html',
    '?x',
    '?x=/pub/',
    '#x',
    '/#x',
    '/s.html',
    '/app.js',
    '/dir',
    '/dir/',
    '/dir/s.html',
    '/bare/',
    '/bare/s.html',
    '/.env'
  ].map((rest) => mount + rest),
  // The slash in other clothes.
  ...['%2f', '%2F', '%5c', '%5C', '\\', '%252f', '%ef%bc%8f', '\uff0f', '%c0%af', '%e0%80%af', '%u002f', '//', '///'].map(
    (slash) => `${mount}${slash}s.html`
  ),
  // Up and down again.
  ...['..', '%2e%2e', '.%2e', '%2E.', '..%2f', '%2e%2e%2f', '..%5c', '..\\', '%252e%252e', '%252e%252e%252f', '..;', '..%00'].flatMap(
    (up) => [
      `${open}/${up}${mount}/s.html`,
      `${open}/${up}/${mount.slice(1)}/s.html`,
      `${open}/dir/${up}/${up}${mount}/s.html`,
      `${mount}/dir/${up}/s.html`,
      `${open}/${up}/closed/s.html`,
      `${open}/${up}/outer/needauth/s.html`,
      `${open}/${up}/inner/s.html`,
      `${open}/${up}/outside.txt`,
      `${open}/${up}/${up}/${up}/${up}/${up}/etc/passwd`
    ]
  ),
  // Segments that mean nothing.
  `/${mount}/s.html`,
  `//${mount}/s.html`,
  `/.${mount}/s.html`,
  `/%2e${mount}/s.html`,
  `${mount}/./s.html`,
  `${mount}/%2e/s.html`,
  `${mount}//dir//s.html`,
  `${mount}/s.html/`,
  `${mount}/s.html/.`,
  `${mount}/s.html//`,
  // Letters in other clothes.
  mount.replace('need', '%6eeed') + '/s.html',
  mount.replace('need', 'n%65ed') + '/s.html',
  mount.replace('need', '%256eeed') + '/s.html',
  `${mount.toUpperCase()}/s.html`,
  `${mount.toUpperCase()}/S.HTML`,
  `${mount}/S.HTML`,
  `${mount}/INDEX.html`,
  `${mount}/%73.html`,
  `${mount}/caf%C3%A9.html`,
  `${mount}/cafe%CC%81.html`,
  `${mount}/caf%E9.html`,
  // Things hung on.
  ...['.', '%20', '%00', '%09', ';x=1', ';', '%3b', '%3f', '%23', '.html'].flatMap((tail) => [
    `${mount}${tail}/s.html`,
    `${mount}/s.html${tail}`
  ]),
  `${mount}/s.html%00.js`,
  `${mount}/s.html::$DATA`,
  `${mount}/app.js%3a%3a$data`,
  `${mount}/con`,
  `${mount}/s.html?..%2f`,
  `${open};x=1${mount}/s.html`,
  `${open}${mount}/s.html`,
  `${open}/%2f${mount}/s.html`,
  // Other forms of a target.
  `http://localhost${mount}/s.html`,
  `http://evil.test${mount}/s.html`,
  `http://localhost:7681/${mount}/s.html`,
  `*`,
  mount.slice(1) + '/s.html',
  `?${mount}/s.html`,
  // Long ones.
  `${mount}/${'a'.repeat(8000)}`,
  `${mount}/${'a/'.repeat(2000)}s.html`,
  `${open}/${'a/'.repeat(2000)}s.html`,
  `${mount}/${'%2e'.repeat(1000)}/s.html`,
  `${open}/${'%2e%2e/'.repeat(300)}s.html`,
  `${open}/${'a'.repeat(300)}`
]

/** The types of Fastify do not know `useSemicolonDelimiter` here. */
const routers: Readonly<Record<string, object>> = {
  'the default router': {},
  'a router that ignores slashes and case, and knows semicolons': {
    routerOptions: { ignoreDuplicateSlashes: true, ignoreTrailingSlash: true, caseSensitive: false, useSemicolonDelimiter: true }
  },
  'a router that ignores double slashes': { routerOptions: { ignoreDuplicateSlashes: true } },
  'a router that ignores slashes at the end': { routerOptions: { ignoreTrailingSlash: true } },
  'a router that ignores case': { routerOptions: { caseSensitive: false } },
  'a router that knows semicolons': { routerOptions: { useSemicolonDelimiter: true } }
}

describe('no spelling of a path leads past the policy', () => {
  for (const [name, server] of Object.entries(routers)) {
    it(`with ${name}`, async (t) => {
      const roots = plantRoots(t)
      const { app, member } = await build(t, {}, (app) => mountAll(app, roots, 5), server)
      const port = await listen(app)
      for (const [mount, open] of pairs) {
        for (const target of spellings(mount, open)) {
          for (const method of ['GET', 'HEAD', 'POST', 'OPTIONS']) {
            const { status, headers, text } = await rawRequest(port, method, target)
            const where = `${method} ${target.slice(0, 100)}`
            assert.ok(!text.includes(canary) && !text.includes('root:'), where)
            assert.ok(status >= 300 && status < 500 && status !== 304 && status !== 416, `${where}: ${status}`)
            for (const header of ['etag', 'last-modified', 'accept-ranges', 'content-range', 'access-control-allow-origin'])
              assert.equal(headers.get(header), undefined, `${where}: ${header}`)
          }
        }
        for (const method of ['get', 'PUT', 'DELETE', 'TRACE', 'PROPFIND', 'GET\t']) {
          const { status, text } = await rawRequest(port, method, `${mount}/s.html`)
          assert.ok(status >= 400 && status < 500 && !text.includes(canary), `${method}: ${status}`)
        }
        // What is looked for is there.
        const alice = await member(`alice${mount.length}`)
        const seen = await rawRequest(port, 'GET', `${mount}/s.html`, { cookie: `gs=${alice.token}` })
        assert.equal(seen.body, `<p>${canary}</p>`)
      }
    })
  }

  it('and the list of spellings finds what is not behind a policy', async (t) => {
    const roots = plantRoots(t)
    const { app } = await build(t, {}, (app) => mountAll(app, roots, 0))
    const port = await listen(app)
    for (const [mount, open] of pairs) {
      const found = []
      for (const target of spellings(mount, open)) {
        const { body, status } = await rawRequest(port, 'GET', target)
        assert.ok(status < 500, `${target}: ${status}`)
        if (body.includes(canary)) found.push(target)
      }
      assert.ok(found.length >= 10, found.join(' '))
      // Not even then a dot file, or a file that no mount has.
      assert.ok(!found.some((target) => /\.env|outside|passwd/.test(target)), found.join(' '))
    }
  })

  it('not even for those who may see one mount and not the other', async (t) => {
    const roots = plantRoots(t)
    const { app, member } = await build(t, {}, async (app) => {
      await app.register(gsMount, { prefix: '/members', root: roots.pub, policy: 5 })
      await app.register(gsMount, { prefix: '/members/needadmin', root: roots.closed, policy: 7 })
    })
    const port = await listen(app)
    const alice = await member('alice')
    for (const target of spellings('/members/needadmin', '/members')) {
      const { text } = await rawRequest(port, 'GET', target, { cookie: `gs=${alice.token}` })
      assert.ok(!text.includes(canary), target)
    }
    assert.equal((await alice.get('/members/page.html')).body, '<p>page</p>')
    assert.equal((await alice.get('/members/needadmin/s.html')).statusCode, 403)
  })
})

describe('a mount with a policy', () => {
  const begin = async (t: TestContext) => {
    const roots = plantRoots(t)
    const built = await build(t, {}, (app) => mountAll(app, roots, 5))
    return { ...built, roots, alice: await built.member('alice') }
  }
  const mounts = pairs.map(([mount]) => mount)

  it('shows its files to those whom it is for, and sends the others away, the prefix itself included', async (t) => {
    const { browser, alice } = await begin(t)
    for (const mount of mounts) {
      for (const [path, content] of [
        [`${mount}/`, `<h1>${canary}</h1>`],
        [`${mount}/index.html`, `<h1>${canary}</h1>`],
        [`${mount}/s.html`, `<p>${canary}</p>`],
        [`${mount}/dir/`, canary],
        [`${mount}/caf%C3%A9.html`, canary]
      ] as const) {
        assert.equal((await alice.visit(path)).body, content, path)
        const page = await browser().visit(path)
        assert.deepEqual([page.statusCode, page.headers.location], [303, `/lwsgs/?next=${encodeURIComponent(path)}`])
        assert.equal((await browser().get(path)).statusCode, 401)
      }
      for (const path of [mount, `${mount}/dir`]) {
        const redirect = await alice.visit(`${path}?a=b`)
        assert.deepEqual([redirect.statusCode, redirect.headers.location], [301, `${path}/?a=b`])
        const page = await browser().visit(path)
        assert.deepEqual([page.statusCode, page.headers.location], [303, `/lwsgs/?next=${encodeURIComponent(path)}`])
        assert.equal((await browser().get(path)).statusCode, 401)
      }
    }
  })

  it('does not say which files it has', async (t) => {
    const { browser } = await begin(t)
    for (const mount of mounts) {
      const answer = async (method: 'GET' | 'HEAD', name: string) => {
        const { statusCode, body, headers } = await browser().send({ method, url: `${mount}/${name}` })
        return { statusCode, body, headers: { ...headers, date: '' } }
      }
      for (const method of ['GET', 'HEAD'] as const) {
        for (const there of ['s.html', 'dir', 'dir/', 'bare/', '.env', ''])
          assert.deepEqual(await answer(method, there), await answer(method, 'missing.html'))
      }
    }
  })

  it('says nothing of a file by conditions or ranges to those who may not see it', async (t) => {
    const roots = plantRoots(t)
    const opened = await build(t, {}, (app) => mountAll(app, roots, 0))
    const closed = await build(t, {}, (app) => mountAll(app, roots, 5))
    const alice = await closed.member('alice')
    for (const mount of mounts) {
      const url = `${mount}/s.html`
      // The true validators, learned while everybody could see it.
      const { etag, 'last-modified': modified } = (await opened.browser().get(url)).headers as Record<string, string>
      assert.ok(etag !== undefined && modified !== undefined)
      const harmless: readonly Record<string, string>[] = [
        { 'if-none-match': etag },
        { 'if-modified-since': modified },
        { range: 'bytes=0-4' },
        { range: 'bytes=-5' },
        { range: 'bytes=99999-' },
        { range: 'bytes=0-4', 'if-range': etag }
      ]
      for (const headers of [...harmless, { 'if-none-match': '*' }, { 'if-match': etag }, { 'if-unmodified-since': modified }]) {
        for (const method of ['GET', 'HEAD'] as const)
          assert.equal((await closed.browser().send({ method, url, headers })).statusCode, 401, JSON.stringify(headers))
      }
      for (const headers of harmless) {
        const { statusCode, body } = await alice.get(url, headers)
        assert.deepEqual([statusCode, body], [200, `<p>${canary}</p>`], JSON.stringify(headers))
      }
    }
  })

  it('is never stored and cannot be embedded by other sites, whatever it answers', async (t) => {
    const { browser, alice } = await begin(t)
    for (const mount of mounts) {
      for (const [visitor, path, status] of [
        [alice, '/s.html', 200],
        [alice, '/', 200],
        [alice, '', 301],
        [alice, '/dir', 301],
        [alice, '/missing.html', 404],
        [alice, '/bare/', 404],
        [alice, '/.env', 404],
        [browser(), '/s.html', 401]
      ] as const) {
        const { statusCode, headers } = await visitor.get(mount + path)
        assert.equal(statusCode, status, path)
        assert.match(headers['cache-control']!, /\bno-store\b/, path)
        assert.equal(headers['cross-origin-resource-policy'], 'same-origin', path)
        for (const header of ['etag', 'last-modified', 'accept-ranges']) assert.equal(headers[header], undefined, `${path} ${header}`)
      }
      assert.equal((await alice.get(`${mount}/app.js`)).headers['x-content-type-options'], 'nosniff')
    }
  })

  it('decides by levels too', async (t) => {
    const { closed } = plantRoots(t)
    const { browser, member } = await build(t, {}, async (app) => {
      await app.register(gsMount, { prefix: '/staff', root: closed, policy: { level: 'staff' } })
    })
    assert.equal((await browser().get('/staff/s.html')).statusCode, 401)
    assert.equal((await (await member('alice')).get('/staff/s.html')).statusCode, 404)
  })
})

describe('an open mount', () => {
  const begin = async (t: TestContext, options: Partial<GsMountOptions> = {}) => {
    const { pub, closed, base } = plantRoots(t)
    const built = await build(t, {}, async (app) => {
      await app.register(gsMount, { prefix: '/needauth', root: closed, policy: 5 })
      await app.register(gsMount, { prefix: '/pub', root: pub, ...options })
    })
    return { ...built, base, pub, closed }
  }

  it('serves files and directories with an index, and lists nothing', async (t) => {
    const { browser } = await begin(t)
    for (const [path, status, content] of [
      ['/pub/', 200, '<h1>welcome</h1>'],
      ['/pub/page.html', 200, '<p>page</p>'],
      ['/pub/dir/', 200, 'index of dir'],
      ['/pub/bare/page.html', 200, 'in a directory without index'],
      ['/pub/bare/', 404, null],
      ['/pub/missing', 404, null],
      ['/pub/page.html/', 404, null]
    ] as const) {
      const { statusCode, body } = await browser().get(path)
      assert.equal(statusCode, status, path)
      if (content === null) assert.doesNotMatch(body, /<a|<li|href/)
      else assert.equal(body, content)
    }
    for (const [path, location] of [
      ['/pub', '/pub/'],
      ['/pub?a=b', '/pub/?a=b'],
      ['/pub/dir', '/pub/dir/'],
      ['/pub/dir?next=//evil.test', '/pub/dir/?next=//evil.test']
    ] as const) {
      for (const method of ['GET', 'HEAD'] as const) {
        const { statusCode, headers } = await browser().send({ method, url: path })
        assert.deepEqual([statusCode, headers.location], [301, location], `${method} ${path}`)
      }
    }
  })

  it('has the index that was chosen', async (t) => {
    const { browser } = await begin(t, { default: 'page.html' })
    assert.equal((await browser().get('/pub/')).body, '<p>page</p>')
    assert.equal((await browser().get('/pub/bare/')).body, 'in a directory without index')
    assert.equal((await browser().get('/pub/dir/')).body, 'index of dir')
  })

  it('keeps files and directories to itself whose names begin with a dot', async (t) => {
    const { app } = await begin(t)
    const port = await listen(app)
    for (const path of [
      '.env',
      '%2eenv',
      '.git/config',
      '%2egit/config',
      '.git',
      '.git/',
      '.git%2fconfig',
      '.well-known/security.txt',
      'dir/.hidden/x.html',
      'dir/%2ehidden/x.html'
    ]) {
      const { status, text } = await rawRequest(port, 'GET', `/pub/${path}`)
      assert.ok(status === 404 || status === 403 || status === 400, `${path}: ${status}`)
      assert.ok(!text.includes(canary), path)
    }
  })

  it('follows no link out of its directory', async (t) => {
    const { browser, base, pub, closed, databasePath } = await begin(t)
    const links: Readonly<Record<string, string>> = {
      'file.html': join(closed, 's.html'),
      'relative.html': '../closed/s.html',
      directory: closed,
      etc: '/etc',
      'passwd.txt': '/etc/passwd',
      'db.sqlite3': databasePath,
      up: '..',
      root: '/',
      'twice.html': join(pub, 'file.html'),
      'beside.html': join(base, 'outside.txt'),
      'indexed/index.html': join(closed, 'index.html'),
      'indexed-directory': join(closed, 'dir'),
      'dangling.html': join(closed, 'missing.html'),
      'loop.html': 'loop.html'
    }
    mkdirSync(join(pub, 'indexed'))
    for (const [name, target] of Object.entries(links)) symlinkSync(target, join(pub, name))
    // A directory whose name only begins like the root's.
    plant(`${pub}-other`, { 'x.html': canary })
    symlinkSync(join(`${pub}-other`, 'x.html'), join(pub, 'sibling.html'))
    const paths =
      'file.html relative.html directory directory/ directory/s.html directory/index.html etc etc/ etc/passwd passwd.txt db.sqlite3 up up/ up/outside.txt up/closed/s.html root/ root/etc/passwd twice.html beside.html indexed indexed/ indexed/index.html indexed-directory indexed-directory/ dangling.html loop.html sibling.html'
    for (const path of paths.split(' ')) {
      for (const method of ['GET', 'HEAD'] as const) {
        const { statusCode, body, headers } = await browser().send({ method, url: `/pub/${path}` })
        assert.ok([403, 404].includes(statusCode) || (path === 'indexed' && statusCode === 301), `${method} ${path}: ${statusCode}`)
        assert.ok(!body.includes(canary) && !body.includes('root:') && !body.includes('SQLite'), path)
        assert.equal(headers.etag, undefined)
      }
    }
    // Links that stay inside are the operator's business.
    symlinkSync(join(pub, 'page.html'), join(pub, 'inside.html'))
    symlinkSync('dir', join(pub, 'also-dir'))
    assert.equal((await browser().get('/pub/inside.html')).body, '<p>page</p>')
    assert.equal((await browser().get('/pub/also-dir/')).body, 'index of dir')
  })

  it('may be linked to from a stricter one, which nobody sees more of by that', async (t) => {
    const { pub, closed, browser, member } = await begin(t)
    symlinkSync(join(pub, 'page.html'), join(closed, 'shared.html'))
    symlinkSync(join(closed, 's.html'), join(pub, 'secret.html'))
    const alice = await member('alice')
    assert.equal((await alice.get('/needauth/shared.html')).body, '<p>page</p>')
    assert.equal((await browser().get('/needauth/shared.html')).statusCode, 401)
    for (const visitor of [alice, browser()]) assert.ok([403, 404].includes((await visitor.get('/pub/secret.html')).statusCode))
  })

  it('never opens pipes, which would not come to an end', async (t) => {
    for (const options of [{}, { interpret: ['.js'] }]) {
      const { browser, pub } = await begin(t, options)
      execFileSync('mkfifo', [join(pub, 'pipe.js')])
      for (const method of ['GET', 'HEAD'] as const) assert.equal((await browser().send({ method, url: '/pub/pipe.js' })).statusCode, 404)
    }
  })

  it('can be stored and asked for again, until the answer carries a cookie', async (t) => {
    const { browser } = await begin(t)
    const first = await browser().get('/pub/a.js')
    assert.equal(first.headers['cache-control'], 'public, max-age=0, must-revalidate')
    assert.equal(first.headers['x-content-type-options'], 'nosniff')
    assert.equal(first.headers['accept-ranges'], 'bytes')
    assert.equal(first.headers.vary, undefined)
    assert.equal(first.headers['set-cookie'], undefined)
    assert.equal((await browser().get('/pub/a.js', { 'if-none-match': first.headers.etag! })).statusCode, 304)
    const part = await browser().get('/pub/page.html', { range: 'bytes=0-2' })
    assert.deepEqual([part.statusCode, part.body], [206, '<p>'])

    const visitor = browser()
    const page = await visitor.visit('/pub/page.html')
    assert.notEqual(page.headers['set-cookie'], undefined)
    assert.equal(page.headers['cache-control'], 'private, no-cache')
    const again = await visitor.visit('/pub/page.html')
    assert.equal(again.headers['set-cookie'], undefined)
    assert.equal(again.headers['cache-control'], 'public, max-age=0, must-revalidate')
  })

  it('is stored as the operator says', async (t) => {
    const cacheControl = 'public, max-age=31536000, immutable'
    const { browser } = await begin(t, { cacheControl })
    assert.equal((await browser().get('/pub/a.js')).headers['cache-control'], cacheControl)
    assert.match((await browser().visit('/pub/')).headers['cache-control']!, /^private/)
  })
})

describe('gsMount refuses while registering', () => {
  const files = (t: TestContext) => plant(temporaryDirectory(t), { 'a/index.html': 'a', 'a/b/c/index.html': 'c', 'ab/index.html': 'ab' })
  const refused = async (t: TestContext, mounts: readonly object[], sentence: RegExp) =>
    assert.rejects(
      build(t, {}, async (app) => {
        for (const options of mounts) await app.register(gsMount, options as GsMountOptions)
      }),
      (error) => error instanceof GsOptionError && /^fastify-gs: [^\n]*\.$/.test(error.message) && sentence.test(error.message),
      JSON.stringify(mounts)
    )

  it('policies that are none, also when they are undefined or misspelt', async (t) => {
    const root = join(files(t), 'a')
    for (const policy of [
      'usr',
      '',
      '7',
      -1,
      Number.NaN,
      1.5,
      2 ** 32,
      undefined,
      null,
      true,
      {},
      { mask: 5, level: 'boss' },
      { level: 'boss' },
      [],
      'constructor'
    ])
      await refused(t, [{ prefix: '/x', root, policy }], /the policy of the mount \/x /)
    for (const mask of ['5', 'user', undefined, null, { mask: 5 }, -1, 1.5])
      await refused(t, [{ prefix: '/x', root, mask }], /the policy of the mount \/x /)
    await refused(t, [{ prefix: '/x', root, mask: 5, policy: 5 }], /the mount \/x has both policy and mask; leave one out/)
    for (const name of ['polciy', 'Policy', 'level', 'gs', 'auth', 'index'])
      await refused(t, [{ prefix: '/x', root, [name]: 5 }], new RegExp(`the option ${name} of a mount is not known`))
  })

  it('one root with two policies, however it is written', async (t) => {
    const base = files(t)
    symlinkSync(join(base, 'a'), join(base, 'link'))
    for (const [one, other] of [
      ['a', 'a'],
      ['a', 'ab/../a'],
      ['a', 'link'],
      ['link/b', 'a/b']
    ] as const) {
      const mounts = [
        { prefix: '/one', root: `${base}/${one}` },
        { prefix: '/other', root: `${base}/${other}/`, policy: 5 }
      ]
      await refused(t, mounts, /the mounts \/one and \/other have the same root .* and different policies/)
    }
    const { browser } = await build(t, {}, async (app) => {
      await app.register(gsMount, { prefix: '/one', root: join(base, 'a') })
      await app.register(gsMount, { prefix: '/other', root: join(base, 'link') })
      await app.register(gsMount, { prefix: '/third', root: join(base, 'ab') })
    })
    for (const [path, content] of [
      ['/one/', 'a'],
      ['/other/', 'a'],
      ['/third/', 'ab']
    ] as const)
      assert.equal((await browser().get(path)).body, content)
  })

  it('two mounts with one prefix', async (t) => {
    const base = files(t)
    const mounts = ['/x', '/X/'].map((prefix) => ({ prefix, root: join(base, 'a') }))
    await refused(t, mounts, /there are two mounts with the prefix \/X/)
  })

  it('a mount with no origin, or with several', async (t) => {
    const root = join(files(t), 'a')
    const handler = () => 'x'
    const proxy = 'http://127.0.0.1:1'
    const redirect = 'https://elsewhere.test'
    for (const origins of [{}, { root, proxy }, { root, redirect }, { handler, proxy }, { proxy, redirect }, { root, handler, proxy }])
      await refused(t, [{ prefix: '/x', ...origins }], /the mount \/x needs exactly one of root, handler, proxy and redirect/)
    for (const address of [
      '',
      'x',
      '//x',
      'ftp://x/',
      'http:/x',
      'http://u:p@x/',
      'http://x/?q',
      'http://x/#h',
      'http://x\\y',
      undefined,
      5
    ]) {
      await refused(t, [{ prefix: '/x', proxy: address }], /the option proxy of the mount \/x must be an address like/)
      await refused(t, [{ prefix: '/x', redirect: address }], /the option redirect of the mount \/x must be an address like/)
    }
    await refused(t, [{ prefix: '/x', handler: 'x' }], /the option handler of the mount \/x must be a function/)
  })

  it('what cannot be sent or rewritten', async (t) => {
    const root = join(files(t), 'a')
    for (const headers of [{ 'x-a': 'b\r\nset-cookie: x=y' }, { 'x y': 'z' }, { 'x-a': 5 }, [], 'x', null])
      await refused(t, [{ prefix: '/x', root, headers }], /the option headers of the mount \/x /)
    for (const name of [
      'Content-Length',
      'transfer-encoding',
      'trailer',
      'connection',
      'content-encoding',
      'ETag',
      'last-modified',
      'date'
    ])
      await refused(t, [{ prefix: '/x', root, headers: { [name]: '5' } }], new RegExp(`has ${name}, .* leave it out`))
    await refused(t, [{ prefix: '/x', root, headers: { 'content-type': 'text/plain' } }], /use mimeTypes/)
    await refused(t, [{ prefix: '/x', root, headers: { 'Cache-Control': 'public' } }], /use cacheControl/)
    for (const mimeTypes of [{ html: 'text/html' }, { '.a': 'x\n' }, { '.a/b': 'x' }, { '.a': null }, [], null])
      await refused(t, [{ prefix: '/x', root, mimeTypes }], /the option mimeTypes of the mount \/x /)
    for (const interpret of [['.exe'], ['js'], [''], '.js', true, null, ['.js', 5], ['.js', '.constructor']])
      await refused(t, [{ prefix: '/x', root, interpret }], /the option interpret of the mount \/x must be a list of suffixes/)
    for (const index of ['', '.', '..', 'a/b', '/a', '.env', 5, null])
      await refused(t, [{ prefix: '/x', root, default: index }], /the option default of the mount \/x must be the name of a file/)
    await refused(t, [{ prefix: '/x', root, cacheControl: 'a\nb' }], /the option cacheControl of the mount \/x is/)
  })

  it('roots that are no directories', async (t) => {
    const base = files(t)
    for (const root of [join(base, 'missing'), join(base, 'a/index.html'), '', '.', 'src', undefined, null, 5, `${base}\0`])
      await refused(t, [{ prefix: '/x', root }], /the root of the mount \/x is .* it must be the absolute path of a directory/)
  })

  it('values as they are in anything but plain text', async (t) => {
    const root = join(files(t), 'a')
    await refused(
      t,
      [{ prefix: '/x', root, interpret: ['.txt'], mimeTypes: { '.txt': 'text/html' } }],
      /rewrites \.txt files and sends them as text\/html/
    )
    for (const mimeTypes of [{ '.txt': 'text/plain; charset=latin1' }, { '.txt': '' }, { '.js': 'text/x' }])
      await build(t, {}, (app) => void app.register(gsMount, { prefix: '/x', root, interpret: ['.txt'], mimeTypes }))
  })

  it('a policy before the login page, unless a route answers there', async (t) => {
    const root = join(files(t), 'a')
    for (const prefix of ['/', '/lwsgs'])
      await refused(
        t,
        [{ prefix, root, policy: 5 }],
        /the login page \/lwsgs\/ lies in the mount \/.*; set the option loginPage, or add an open mount/
      )
    const { browser } = await build(t, { loginPage: '/enter' }, async (app) => {
      await app.register(gsMount, { prefix: '/', root, policy: 5 })
      app.get('/enter', () => 'please log in')
    })
    assert.equal((await browser().visit('/')).headers.location, '/enter?next=%2F')
    assert.equal((await browser().get('/enter')).body, 'please log in')
    await build(t, {}, async (app) => {
      await app.register(gsMount, { prefix: '/', root, policy: 5 })
      await app.register(gsMount, { prefix: '/lwsgs', root: join(root, 'b') })
    })
  })

  it('prefixes that are no paths', async (t) => {
    const root = join(files(t), 'a')
    for (const prefix of [
      '',
      'x',
      '//x',
      '/x//y',
      '/x/*',
      '/:x',
      '/x?y',
      '/x#y',
      '/x y',
      '/x%2fy',
      '/../x',
      '/x/..',
      '/./x',
      '/x/.',
      'http://x/',
      undefined,
      null,
      5
    ])
      await refused(t, [{ prefix, root }], /the option prefix of a mount must be a path/)
  })

  it('an application without the plugin', async (t) => {
    const app = Fastify()
    t.after(() => app.close())
    const root = join(files(t), 'a')
    await assert.rejects(async () => app.register(gsMount, { prefix: '/x', root }), /fastify-gs/)
  })
})

it('mounts work in a child plugin, with its prefix in front', async (t) => {
  const { open, closed } = plantRoots(t)
  const { browser } = await build(t, {}, async (app) => {
    await app.register(
      async (child) => {
        await child.register(gsMount, { prefix: '/pub', root: open })
        await child.register(gsMount, { prefix: '/pub/needauth', root: closed, policy: 5 })
      },
      { prefix: '/site' }
    )
  })
  assert.equal((await browser().get('/site/pub/page.html')).body, '<p>page</p>')
  assert.equal((await browser().get('/site/pub')).headers.location, '/site/pub/')
  assert.equal((await browser().get('/site/pub/needauth/s.html')).statusCode, 401)
  assert.equal((await browser().get('/site/pub/needauth')).statusCode, 401)
})
