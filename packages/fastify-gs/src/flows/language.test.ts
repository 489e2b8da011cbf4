import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { build, password, type Browser } from '../testing/build.ts'

const setup = (t: TestContext, options: Parameters<typeof build>[1] = {}) =>
  build(
    t,
    { languages: ['de', 'es', 'fr', 'ja', 'ar'], ...options },
    (app) => void app.get('/language', ({ gs }) => `${gs.client.language} ${gs.account?.language ?? null}`)
  )

const spoken = async (browser: Browser, accept?: string) =>
  (await browser.get('/language', accept === undefined ? {} : { 'accept-language': accept })).body

const refusal = async (browser: Browser, accept?: string, body: object = { username: 'nobody', password: 'wrong' }) => {
  const answer = await browser.post('/lwsgs/login', body, accept === undefined ? {} : { 'accept-language': accept })
  const { message, code } = answer.json<{ message: string; code: string }>()
  return [code, message, answer.headers['content-language']]
}

describe('language', () => {
  it('is what the account has chosen, on all requests, however often the browser says something else (F31)', async (t) => {
    const { member, browser } = await setup(t)
    const alice = await member('alice')
    assert.equal(await spoken(alice, 'de'), 'de null')
    const chosen = await alice.post('/lwsgs/language', { language: 'fr' }, { 'accept-language': 'de' })
    assert.deepEqual([chosen.statusCode, chosen.json()], [200, { ok: true }])
    for (let request = 0; request < 3; request++) assert.equal(await spoken(alice, 'de'), 'fr fr')
    // On every device.
    const other = browser()
    await other.post('/lwsgs/login', { username: 'alice', password }, { 'accept-language': 'es' })
    assert.equal(await spoken(other, 'es'), 'fr fr')
  })

  it('is never that of the visitor before, nor left over from a login (F31)', async (t) => {
    const { member, browser } = await setup(t)
    const alice = await member('alice')
    await alice.post('/lwsgs/language', { language: 'ja' })
    assert.equal(await spoken(alice), 'ja ja')
    assert.equal(await spoken(browser(), 'de'), 'de null')
    assert.equal(await spoken(browser()), 'en null')
    await alice.post('/lwsgs/logout')
    assert.equal(await spoken(alice), 'en null')
    assert.equal(await spoken(alice, 'es'), 'es null')
  })

  it('falls back from a region to its language, whatever else there is (F31)', async (t) => {
    const messages = { 'de-AT': { x: '' }, 'en-GB': { x: '' }, 'es-AR': { x: '' }, 'fr-CA': { x: '' }, 'zh-TW': { x: '' } }
    const { browser } = await setup(t, { messages })
    for (const [accept, language] of [
      ['de-CH', 'de'],
      ['de-AT', 'de-AT'],
      ['en-US', 'en'],
      ['en-GB', 'en-GB'],
      ['es-MX', 'es'],
      ['fr-BE', 'fr'],
      ['ar-EG', 'ar'],
      ['ja-JP', 'ja']
    ] as const)
      assert.equal(await spoken(browser(), accept), `${language} null`, accept)
    const message = (code: string, language: string) => browser().app.gs.message(code, language)
    for (const language of ['de-AT', 'de-CH', 'de-LI', 'de']) assert.match(message('GS_CREDENTIALS', language), /^Der Benutzername/)
  })

  it('is stored in its canonical form, also one that there are no texts in, and nothing else is', async (t) => {
    const { member } = await setup(t)
    const alice = await member('alice')
    for (const [language, stored] of [
      ['PT-br', 'pt-BR'],
      ['nl', 'nl'],
      ['ar-u-nu-latn', 'ar']
    ] as const) {
      assert.equal((await alice.post('/lwsgs/language', { language })).statusCode, 200)
      assert.equal(await spoken(alice, 'de'), `${stored} ${stored}`)
    }
    for (const language of ['', 'x', 'de_DE', '../de', 'a'.repeat(36)]) {
      const answer = await alice.post('/lwsgs/language', { language })
      assert.deepEqual([answer.statusCode, answer.json<{ field: string }>().field], [400, 'language'], language)
    }
    assert.equal(await spoken(alice), 'ar ar')
  })

  it('can be chosen by nobody for nobody, and not from another site', async (t) => {
    const { browser, member } = await setup(t)
    assert.equal((await browser().post('/lwsgs/language', { language: 'de' })).json<{ code: string }>().code, 'GS_NOT_LOGGED_IN')
    const alice = await member('alice')
    const crossed = await alice.post('/lwsgs/language', { language: 'de' }, { 'sec-fetch-site': 'cross-site' })
    assert.equal(crossed.json<{ code: string }>().code, 'GS_CROSS_SITE')
    const form = await alice.form('/lwsgs/language', { language: 'de' })
    assert.deepEqual([form.statusCode, form.headers.location], [303, '/lwsgs/?gs=saved'])
    assert.equal(await spoken(alice), 'de de')
  })

  it('of a new account is what it names, else what its browser asks for', async (t) => {
    const { browser, inbox } = await setup(t)
    const register = (username: string, more: object, headers = {}) =>
      browser().post('/lwsgs/register', { username, email: `${username}@mail.test`, password, ...more }, headers)
    assert.equal((await register('alice', { language: 'es' }, { 'accept-language': 'de' })).statusCode, 202)
    assert.equal((await register('bob', {}, { 'accept-language': 'nl, de-CH;q=0.9' })).statusCode, 202)
    assert.equal((await register('carol', {}, { 'accept-language': 'nl' })).statusCode, 202)
    assert.equal((await register('dave', { language: 'not one' })).json<{ field: string }>().field, 'language')
    const subjects = [/^Confirma tu dirección/, /^Bestätigen Sie Ihre Adresse/, /^Confirm your address/]
    const mails = await Promise.all(['alice', 'bob', 'carol'].map((name, index) => inbox.find(`${name}@mail.test`, subjects[index]!)))
    assert.deepEqual(
      mails.map(({ language }) => language),
      ['es', 'de', 'en']
    )
  })
})

describe('mails', () => {
  it('are written in the language of the account at that time, also the farewell when it is gone', async (t) => {
    const { browser, inbox } = await setup(t, { language: 'fr' })
    const alice = browser()
    await alice.post('/lwsgs/register', { username: 'alice', email: 'alice@mail.test', password })
    const token = await inbox.token('alice@mail.test', /^Confirmez votre adresse/)
    await alice.post('/lwsgs/verify-email', { token })
    await alice.post('/lwsgs/language', { language: 'de-AT' })
    const next = 'another horse battery staple'
    await alice.post('/lwsgs/change-password', { currentPassword: password, password: next })
    const changed = await inbox.find('alice@mail.test', /^Ihr Passwort für Test site wurde geändert/)
    assert.match(changed.text, /^Guten Tag alice,/)
    await alice.post('/lwsgs/change-email', { currentPassword: next, email: 'new@mail.test' })
    await inbox.find('new@mail.test', /^Bestätigen Sie Ihre neue Adresse/)
    await alice.post('/lwsgs/language', { language: 'ja' })
    assert.equal((await alice.post('/lwsgs/delete-account', { currentPassword: next })).statusCode, 200)
    const farewell = await inbox.find('alice@mail.test', /アカウントが削除されました$/)
    assert.equal(farewell.language, 'ja')
  })
})

describe('refusals', () => {
  it('speak the language of the visitor, with the same code', async (t) => {
    const { browser, member } = await setup(t)
    for (const [accept, sentence, language] of [
      ['de-CH', 'Der Benutzername oder das Passwort ist falsch.', 'de'],
      ['nl, es;q=0.1', 'El nombre de usuario o la contraseña no son correctos.', 'es'],
      ['nl', 'The user name or the password is wrong.', 'en'],
      [undefined, 'The user name or the password is wrong.', 'en']
    ] as const)
      assert.deepEqual(await refusal(browser(), accept), ['GS_CREDENTIALS', sentence, language])
    const alice = await member('alice')
    await alice.post('/lwsgs/language', { language: 'fr' })
    assert.deepEqual(await refusal(alice, 'de'), ['GS_CREDENTIALS', 'Le nom d’utilisateur ou le mot de passe est incorrect.', 'fr'])
  })

  it('keep their details', async (t) => {
    const { browser } = await setup(t)
    assert.deepEqual(await refusal(browser(), 'de', { username: 'alice' }), [
      'GS_BODY_INVALID',
      'Der Server hat diese Eingaben nicht verstanden: password is missing.',
      'de'
    ])
    const weak = await browser().post(
      '/lwsgs/register',
      { username: 'alice', email: 'alice@mail.test', password: 'short' },
      { 'accept-language': 'fr' }
    )
    assert.match(weak.json<{ message: string }>().message, /^Utilisez au moins 15 caractères/)
  })

  it('use the texts of the application in the place of ours', async (t) => {
    const { browser, app } = await setup(t, {
      language: 'nl',
      messages: { nl: { GS_CREDENTIALS: 'Dat klopt niet.', hello: 'Hallo {name}' } }
    })
    assert.deepEqual(await refusal(browser()), ['GS_CREDENTIALS', 'Dat klopt niet.', 'nl'])
    assert.deepEqual(await refusal(browser(), 'sv'), ['GS_CREDENTIALS', 'Dat klopt niet.', 'nl'])
    assert.deepEqual((await refusal(browser(), 'de'))[2], 'de')
    assert.equal(app.gs.message('hello', 'sv', { name: 'Anna' }), 'Hallo Anna')
  })

  it('can be told by the application too, with their details; its own errors keep their words', async (t) => {
    const { app, browser, member } = await build(t, { languages: ['de'], session: { data: { maxBytes: 1024 } } }, (app) => {
      app.setErrorHandler((error: Error, request) => app.gs.messageOf(error, request.gs.client.language))
      app.get('/members', { config: { gs: 'user' } }, () => 'members')
      app.get('/page', () => 'page')
      app.get('/own', () => {
        throw new Error('mine')
      })
      app.post('/store', ({ gs }) => gs.data.patch({ text: 'x'.repeat(2000) }))
    })
    const german = { 'accept-language': 'de' }
    assert.equal((await browser().get('/members', german)).body, 'Bitte melden Sie sich zuerst an.')
    assert.equal((await browser().get('/own', german)).body, 'mine')
    assert.match((await (await member('alice')).post('/store', {}, german)).body, /^[^{]+: [^{]+$/)
    assert.equal(app.gs.messageOf(new Error('mine'), 'not a tag'), 'mine')
    app.gs.addHook('onSessionStart', () => false)
    const page = { ...german, accept: 'text/html', 'sec-fetch-dest': 'document' }
    assert.match((await browser().get('/page', page)).body, /^Diese Website nimmt .+\.$/)
  })

  it('are English on the pages that work without scripts, which are English too', async (t) => {
    const { browser } = await setup(t)
    const page = await browser().send({
      method: 'POST',
      url: '/lwsgs/login',
      payload: 'username=nobody&password=wrong',
      headers: { 'content-type': 'application/x-www-form-urlencoded', 'accept-language': 'de' }
    })
    assert.match(page.body, /<html lang="en">[^]*The user name or the password is wrong\./)
    assert.equal(page.headers['content-language'], undefined)
  })
})
