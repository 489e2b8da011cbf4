import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { build } from 'vite'
import type { SessionInfo } from '../client/session-info.ts'

interface Rendered {
  readonly load: (...parts: string[]) => Promise<void>
  readonly render: (component: string, provider: object, props?: object) => string
}

const root = join(import.meta.dirname, '../..')
// Inside the package, so that the bundle finds React.
const directory = mkdtempSync(join(root, 'node_modules/.ssr-'))
after(() => rmSync(directory, { recursive: true, force: true }))

/** Node does not run .tsx, so the components are bundled first, as every server that renders React does. */
async function bundle(version: '18' | '19'): Promise<Rendered> {
  const suffix = version === '18' ? '-18' : ''
  const entry = join(directory, `entry-${version}.ts`)
  writeFileSync(
    entry,
    `import { createElement } from 'react'
import { renderToString } from 'react-dom/server'
import * as ui from '${join(root, 'src/index.ts')}'
export const load = ui.loadGsParts
export const render = (name, provider, props = {}) =>
  renderToString(createElement(ui.GsProvider, provider, createElement(ui[name], props)))`
  )
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"production"' },
    resolve: {
      alias: ['react-dom', 'react'].map((name) => ({
        find: new RegExp(`^${name}(/|$)`),
        replacement: `${join(root, 'node_modules', name + suffix)}$1`
      }))
    },
    ssr: { noExternal: true },
    build: { ssr: entry, outDir: join(directory, version), rolldownOptions: { output: { entryFileNames: 'entry.mjs' } } }
  })
  return (await import(pathToFileURL(join(directory, version, 'entry.mjs')).href)) as Rendered
}

const guest: SessionInfo = {
  username: null,
  email: null,
  verified: false,
  admin: false,
  mustChangePassword: false,
  mask: 0,
  level: 1,
  sectors: [],
  ip: '127.0.0.1',
  session: 'a',
  expiresAt: 1_800_000_000_000,
  csrfToken: 'token'
}
const member: SessionInfo = { ...guest, username: 'alice', email: 'alice@mail.test', verified: true, mask: 5, level: 10 }

for (const version of ['18', '19'] as const) {
  describe(`rendered by a server with React ${version}`, async () => {
    const { load, render } = await bundle(version)

    test('without a session it says that it is loading', () => {
      assert.match(render('GsLogin', {}), /data-panel="loading".*class="gs-loading"/)
    })

    test('a guest gets the login, as a form that works without scripts', () => {
      const html = render('GsLogin', { session: guest, prefix: '/accounts' })
      assert.match(html, /<form[^>]* action="\/accounts\/login"/)
      assert.match(html, /<form[^>]* method="post"/)
      assert.match(html, /autoComplete="current-password"/i)
    })

    test('a part that is not loaded says so, and is rendered once it is', async () => {
      const before = render('GsLogin', { session: member })
      assert.match(before, /data-panel="badge".*gs-loading/)
      await load('account', 'guest')
      const html = render('GsLogin', { session: member })
      assert.match(html, /<h2[^>]*><bdi>alice<\/bdi><\/h2>/)
      assert.match(html, /Log out/)
      assert.doesNotMatch(html, /gs-loading/)
    })

    const panels = [
      { name: 'GsChangePasswordPanel', session: member, shows: /action="\/lwsgs\/change-password"/ },
      { name: 'GsChangeEmailPanel', session: member, shows: /action="\/lwsgs\/change-email"/ },
      { name: 'GsDeleteAccountPanel', session: member, shows: /action="\/lwsgs\/delete-account"/ },
      { name: 'GsSessionsPanel', session: member, shows: /data-panel="sessions"/ },
      { name: 'GsAccountPanel', session: member, shows: /data-panel="account"/ },
      { name: 'GsAdminPanel', session: member, shows: /data-panel="badge"/ },
      { name: 'GsBadge', session: guest, shows: /action="\/lwsgs\/login"/ },
      { name: 'GsRegisterPanel', session: guest, shows: /action="\/lwsgs\/register"/ },
      { name: 'GsForgotPasswordPanel', session: guest, shows: /action="\/lwsgs\/forgot-password"/ },
      { name: 'GsLoginPanel', session: member, shows: /data-panel="badge"/ },
      { name: 'GsLoginCodePanel', session: guest, shows: /action="\/lwsgs\/login-code"/ },
      { name: 'GsLoginCodePanel', session: member, shows: /data-panel="badge"/ },
      { name: 'GsChangePasswordPanel', session: guest, shows: /action="\/lwsgs\/login"/ }
    ]
    for (const { name, session, shows } of panels) {
      test(`${name} is rendered for ${session.username ?? 'a guest'}`, () => {
        const html = render(name, { session })
        assert.match(html, shows)
        assert.doesNotMatch(html, /style=|<script/)
      })
    }

    test('who must choose a new password finds that, and how to log out, in every panel', () => {
      for (const name of ['GsLogin', 'GsBadge', 'GsAccountPanel', 'GsAdminPanel', 'GsLoginCodePanel']) {
        const html = render(name, { session: { ...member, mustChangePassword: true, mask: 1, level: 2 } })
        assert.match(html, /data-panel="must-change-password".*name="currentPassword".*name="password"/, name)
        assert.deepEqual(
          [...html.matchAll(/action="([^"]*)"/g)].map(([, action]) => action),
          ['/lwsgs/change-password', '/lwsgs/forgot-password', '/lwsgs/logout'],
          name
        )
      }
    })

    test('the login leads to the one with a code where the page says so', () => {
      assert.doesNotMatch(render('GsLogin', { session: guest }), /code/)
      assert.match(render('GsLogin', { session: guest }, { loginCode: true }), /Log in with a code by mail/)
    })

    test('a panel for members shows to a guest what the page gives for him', () => {
      assert.equal(render('GsBadge', { session: guest }, { guest: 'Hello stranger' }), 'Hello stranger')
    })

    test('texts that are a whole language are there at once', () => {
      const html = render('GsLogin', { session: guest, language: 'x-test', texts: { direction: 'rtl', 'login.title': 'Hineingehen' } })
      assert.match(html, /<section[^>]* lang="x-test" dir="rtl"/)
      assert.match(html, /Hineingehen/)
    })
  })
}
