import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { openAdministration } from './administration.ts'
import type { GsOptions } from '../options.ts'
import { hashPassword } from '../hash-password.ts'
import { build, password, type Browser, type Built } from '../testing/build.ts'
import { formsOf, formWith, submit } from '../testing/forms.ts'

const adminPassword = 'the password of the boss'
const home = '/lwsgs/lwsgs-admin'

interface Site extends Built {
  readonly boss: Browser
}

async function site(t: TestContext, options: Partial<GsOptions> = {}): Promise<Site> {
  const built = await build(t, {
    admin: { username: 'boss', passwordHash: await hashPassword(adminPassword) },
    sectors: ['press', 'sales'],
    ...options
  })
  const boss = built.browser()
  await boss.post('/lwsgs/login', { username: 'boss', password: adminPassword })
  return { ...built, boss }
}

const addressOf = async (boss: Browser, username: string): Promise<string> => {
  const { body } = await boss.visit(home)
  const found = new RegExp(`<a href="(${home}/accounts/[\\w-]+)">${username}</a>`).exec(body)
  assert.ok(found, body)
  return found[1]!
}
/** Presses a button on the page of an account; gives the page where it leads. */
const press = async (boss: Browser, url: string, button: string, typed: Record<string, string> = {}): Promise<string> => {
  const response = await submit(boss, url, button, typed)
  assert.equal(response.statusCode, 303, response.body)
  const page = await boss.visit(response.headers.location!)
  assert.equal(page.statusCode, 200)
  assert.match(page.body, /role="status">The change is made\.</)
  return page.body
}
const statusOfLogin = async (browser: Browser, username: string, typed = password) =>
  (await browser.post('/lwsgs/login', { username, password: typed })).statusCode

describe('the pages for admins', () => {
  const pages = ['', '/accounts/x', '/mail', '/audit']

  for (const path of pages) {
    it(`hide from everybody else: ${home}${path}`, async (t) => {
      const { browser, member, boss } = await site(t)
      const sent = await browser().visit(`${home}${path}?state=locked`)
      assert.deepEqual(
        [sent.statusCode, sent.headers.location],
        [303, `/lwsgs/lwsgs-login?next=${encodeURIComponent(`${home}${path}?state=locked`)}`]
      )
      const alice = await (await member('alice')).visit(home + path)
      assert.equal(alice.statusCode, 404)
      assert.match(alice.body, /There is nothing here/)
      assert.equal((await boss.visit(home + path)).statusCode, path === '/accounts/x' ? 404 : 200)
    })
  }

  it('lead an admin with a new password due to the page for that, and back; of others they hide all the same', async (t) => {
    const { member, boss } = await site(t)
    const [alice, bob] = [await member('alice'), await member('bob')]
    const idOf = async (name: string) => (await addressOf(boss, name)).split('/').at(-1)!
    await boss.post(`/lwsgs/admin/accounts/${await idOf('alice')}/grant`, { level: 50 })
    for (const name of ['alice', 'bob']) await boss.post(`/lwsgs/admin/accounts/${await idOf(name)}/require-password-change`, {})
    const sent = await alice.visit(`${home}/audit`)
    assert.deepEqual([sent.statusCode, sent.headers.location], [303, `/lwsgs/lwsgs-change?next=${encodeURIComponent(`${home}/audit`)}`])
    const phrase = 'another four word phrase'
    const changed = await submit(alice, sent.headers.location!, 'Change', { curpw: password, password: phrase, password2: phrase })
    assert.deepEqual([changed.statusCode, changed.headers.location], [303, `${home}/audit`])
    assert.equal((await alice.visit(`${home}/audit`)).statusCode, 200)
    const hidden = await bob.visit(`${home}/audit`)
    assert.equal(hidden.statusCode, 404, hidden.body)
    assert.match(hidden.body, /There is nothing here/)
  })

  it('are not shown to somebody else whose refused form names one of theirs', async (t) => {
    const { boss, browser, member } = await site(t)
    const alice = await member('alice')
    const address = await addressOf(boss, 'alice')
    const forms = ['verify', 'lock', 'grant', 'delete', 'end-session', 'retry-mail', 'drop-mail'].map((name) => `admin-${name}`)
    for (const own of [alice, browser()]) {
      for (const [index, form] of forms.entries()) {
        const fields = { form, username: `nobody${index}`, password: 'not the right password', next: `${address}?gs=adminchanged` }
        const answers = [
          await own.form('/lwsgs/login', fields),
          await own.form('/lwsgs/lwsgs-change', { ...fields, username: 'bob' }),
          await own.form(`/lwsgs/admin/accounts/${address.split('/').at(-1)!}/lock`, { form, next: fields.next })
        ]
        for (const { statusCode, body } of answers) {
          assert.ok(statusCode >= 400)
          assert.doesNotMatch(body, /alice@mail\.test|Administration|lwsgs-admin/)
        }
      }
    }
    assert.equal((await alice.get('/lwsgs/session')).json().username, 'alice')
  })

  it('are not there when the calls for admins are switched off', async (t) => {
    const { boss } = await site(t, { adminApi: false })
    for (const path of pages) assert.equal((await boss.visit(home + path)).statusCode, 404)
  })

  it('run no script, load nothing, and are never stored', async (t) => {
    const { boss, member } = await site(t)
    await member('alice')
    for (const path of [...pages.filter((path) => path !== '/accounts/x'), (await addressOf(boss, 'alice')).slice(home.length)]) {
      const { headers, body } = await boss.visit(home + path)
      assert.match(String(headers['content-security-policy']), /^default-src 'none'; style-src 'self'; form-action 'self'/)
      assert.equal(headers['cache-control'], 'no-store')
      assert.doesNotMatch(body, /<script|<style|\sstyle=|\son\w+=|javascript:|undefined|\[object/)
    }
  })

  it('find accounts by a part of the name and by state, in pages', async (t) => {
    const { boss, databasePath } = await site(t)
    const administration = await openAdministration({ database: { sqlite: databasePath } })
    t.after(() => administration.close())
    for (let index = 0; index < 60; index += 1) {
      const username = `user${String(index).padStart(2, '0')}`
      await administration.accounts.add({ username, email: `${username}@mail.test`, password: null, verified: index % 2 === 0 })
    }
    const names = (body: string) => [...body.matchAll(/accounts\/[\w-]+">(\w+)<\/a>/g)].map(([, name]) => name)
    const found = (await boss.visit(`${home}?search=ER1&state=unverified&after=`)).body
    assert.deepEqual(names(found), ['user11', 'user13', 'user15', 'user17', 'user19'])
    assert.match(found, /name="search" [^>]*value="ER1"/)
    assert.match(found, /<option value="unverified" selected>/)
    const all: (string | undefined)[] = []
    for (let next: string | undefined = `${home}?search=user&state=`; next !== undefined;) {
      const { body } = await boss.visit(next)
      all.push(...names(body))
      next = /<a rel="next" href="([^"]+)"/.exec(body)?.[1]?.replaceAll('&amp;', '&')
    }
    assert.equal(new Set(all).size, 60)
    assert.match((await boss.visit(`${home}?search=nobody-has-this`)).body, /No account fits/)
    assert.equal((await boss.visit(`${home}?after=rubbish%00`)).statusCode, 400)
  })

  it('lock and unlock an account', async (t) => {
    const { boss, browser, member } = await site(t)
    const alice = await member('alice')
    const url = await addressOf(boss, 'alice')
    assert.match(await press(boss, url, 'Lock'), />Locked</)
    assert.equal((await alice.get('/lwsgs/session')).json().username, null)
    assert.equal(await statusOfLogin(browser(), 'alice'), 403)
    assert.doesNotMatch(await press(boss, url, 'Unlock'), />Locked</)
    assert.equal(await statusOfLogin(browser(), 'alice'), 200)
  })

  it('verify, grant, withdraw and set the level', async (t) => {
    const { boss, browser } = await site(t)
    await browser().post('/lwsgs/register', { username: 'bob', email: 'bob@mail.test', password })
    const url = await addressOf(boss, 'bob')
    const bob = browser()
    await bob.post('/lwsgs/login', { username: 'bob', password })
    const session = async () => {
      const { mask, level, sectors } = (await bob.get('/lwsgs/session')).json()
      return { mask, level, sectors }
    }
    await press(boss, url, 'Mark as verified')
    assert.deepEqual(await session(), { mask: 5, level: 10, sectors: [] })
    await press(boss, url, 'Save', { grant: 'press' })
    assert.deepEqual(await session(), { mask: 21, level: 10, sectors: ['press'] })
    await press(boss, url, 'Save', { level: '30', grant: 'sales', withdraw: 'press' })
    assert.deepEqual(await session(), { mask: 37, level: 30, sectors: ['sales'] })
    const { html } = formWith((await boss.visit(url)).body, 'Save')
    assert.match(html, /stays 30 \(staff\)/)
    assert.doesNotMatch(html, /<option value="(?:30|125)"/)
  })

  it('show a refused change again, with the reason at its field', async (t) => {
    const { boss, member } = await site(t)
    await member('alice')
    const url = await addressOf(boss, 'alice')
    const refused = await submit(boss, url, 'Save', { level: '30', grant: '"><svg onload=1>' })
    assert.equal(refused.statusCode, 400, refused.body)
    assert.match(refused.body, /<title>Error: alice/)
    assert.doesNotMatch(refused.body, /<svg/)
    const { html } = formWith(refused.body, 'Save')
    assert.match(html, /<select [^>]*name="grant"[^>]* aria-invalid="true"/)
    assert.match(html, /class="error"[^>]*>There is no sector of this name/)
    assert.match(html, /<option value="30" selected>/)
    assert.equal(refused.body.match(/role="alert"/g)!.length, 1)
  })

  it('end one session, or all of an account', async (t) => {
    const { boss, browser, member } = await site(t)
    const first = await member('alice')
    const second = browser()
    await second.post('/lwsgs/login', { username: 'alice', password })
    const url = await addressOf(boss, 'alice')
    const before = await boss.visit(url)
    await press(boss, url, 'End')
    const living = async () =>
      [await first.get('/lwsgs/session'), await second.get('/lwsgs/session')].filter((answer) => answer.json().username !== null)
    assert.equal((await living()).length, 1)
    await press(boss, url, 'End all sessions')
    assert.equal((await living()).length, 0)
    const gone = formWith(before.body, 'End')
    const again = await boss.form(gone.action, gone.fields)
    assert.equal(again.statusCode, 404)
    assert.match(again.body, /<h1>alice<\/h1>[\s\S]*role="alert"[^>]*>This session has ended already\./)
  })

  it('reset a password: the old one is void, and a mail lets its owner set another', async (t) => {
    const { boss, browser, inbox, member } = await site(t)
    await member('alice')
    await press(boss, await addressOf(boss, 'alice'), 'Reset the password')
    assert.equal(await statusOfLogin(browser(), 'alice'), 401)
    assert.ok(await inbox.token('alice@mail.test', /Set a new/))
  })

  it('delete an account', async (t) => {
    const { boss, browser, member } = await site(t)
    await member('alice')
    const url = await addressOf(boss, 'alice')
    assert.doesNotMatch(await press(boss, url, 'Delete alice'), />alice</)
    assert.equal(await statusOfLogin(browser(), 'alice'), 401)
    assert.equal((await boss.visit(url)).statusCode, 404)
  })

  it('offer nothing for accounts that stand as high, and refuse what is sent all the same', async (t) => {
    const { boss, member } = await site(t)
    const alice = await member('alice')
    const [bobPage, alicePage] = [await member('bob').then(() => addressOf(boss, 'bob')), await addressOf(boss, 'alice')]
    const lockBob = formWith((await boss.visit(bobPage)).body, 'Lock')
    await press(boss, alicePage, 'Save', { level: '50' })
    await press(boss, bobPage, 'Save', { level: '50' })
    for (const url of [bobPage, alicePage, await addressOf(alice, 'boss')]) {
      const { statusCode, body } = await alice.visit(url)
      assert.equal(statusCode, 200)
      assert.match(body, /logged in <time/)
      assert.deepEqual(formsOf(body), [])
    }
    const refused = await alice.form(lockBob.action, lockBob.fields)
    assert.equal(refused.statusCode, 403)
    assert.match(refused.body, /<h1>bob<\/h1>[\s\S]*role="alert"[^>]*>You may only change accounts below your own/)
  })

  it('show the mail that waits, send it now or drop it', async (t) => {
    const failing = { send: () => Promise.reject(new Error('no <b>mail</b> today')), close: () => undefined }
    const { boss, browser } = await site(t, { mail: { mailer: failing, from: 'Test <noreply@site.test>' } })
    await browser().post('/lwsgs/register', { username: 'bob', email: 'bob@mail.test', password })
    const waiting = async () => (await boss.visit(`${home}/mail?state=waiting`)).body
    assert.match(await waiting(), /<strong>bob@mail\.test<\/strong>[\s\S]*verify-email/)
    assert.doesNotMatch(await waiting(), /<b>mail|token=/)
    await press(boss, `${home}/mail`, 'Send now')
    const drop = formWith((await boss.visit(`${home}/mail`)).body, 'Drop')
    await press(boss, `${home}/mail`, 'Drop')
    assert.match(await waiting(), /No mail/)
    const again = await boss.form(drop.action, drop.fields)
    assert.equal(again.statusCode, 404)
    assert.match(again.body, /<h1>Mail<\/h1>[\s\S]*role="alert"[^>]*>This mail is not in the queue any more\./)
  })

  it('show who has done what', async (t) => {
    const { boss, member } = await site(t)
    await member('alice')
    const url = await addressOf(boss, 'alice')
    await press(boss, url, 'Lock')
    const trail = /href="([^"]+)">What was done/.exec((await boss.visit(url)).body)![1]!
    assert.match((await boss.visit(trail)).body, /<strong>lock<\/strong> <a [^>]*>alice<\/a>[\s\S]*boss from 127\.0\.0\.1/)
  })
})
