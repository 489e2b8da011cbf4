import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { build, password } from '../testing/build.ts'
import { formatsOf, readClientFacts, refererFrom, timeZoneName, type ClientFacts, type ClientSite } from './client-facts.ts'

const site: ClientSite = { origin: 'https://site.test', languages: ['en', 'de', 'fr', 'pt-BR', 'zh'], timeZoneCookie: 'gs-tz' }
const facts = (headers: Record<string, string>, chosen: string | null = null) => readClientFacts(site, headers, chosen, null)

describe('the facts of a client', () => {
  it('names the language that the browser asks for most of those that the site speaks', () => {
    for (const [header, language] of [
      ['de', 'de'],
      ['de-CH', 'de'],
      ['DE-ch', 'de'],
      ['fr;q=0.5, de;q=0.9', 'de'],
      ['fr;q=0.5,de;q=0.4', 'fr'],
      ['nl, sv;q=0.9, fr;q=0.1', 'fr'],
      ['pt', 'pt-BR'],
      ['pt-BR', 'pt-BR'],
      ['zh-Hant-TW', 'zh'],
      ['nl', 'en'],
      ['de;q=0', 'en'],
      ['*', 'en'],
      ['*;q=0.5, fr', 'fr'],
      ['', 'en'],
      [';;;,,,q=1', 'en'],
      ['de;q=abc, \u{ff}', 'en']
    ] as const)
      assert.equal(facts({ 'accept-language': header }).language, language, header)
    assert.equal(facts({}).language, 'en')
  })

  it('never takes the header before what the account has chosen', () => {
    assert.equal(facts({ 'accept-language': 'de' }, 'fr').language, 'fr')
    assert.equal(facts({ 'accept-language': 'de' }, 'nl').language, 'nl')
  })

  it('lists what the browser asks for, the most wanted first, without what is no language', () => {
    assert.deepEqual(facts({ 'accept-language': 'fr;q=0.5, de-ch, *;q=0.1, DE-CH, en;q=0, _, ar-u-nu-latn;q=0.7' }).languages, [
      'de-CH',
      'ar',
      'fr'
    ])
    assert.deepEqual(facts({}).languages, [])
  })

  it('reads no more of a long header than browsers send, and no half tag', () => {
    const many = Array.from({ length: 5000 }, (_, n) => `de-x-${n}`).join(',')
    assert.ok(facts({ 'accept-language': many }).languages.length <= 10)
    // The tag at which it is cut would be another one without its end.
    assert.equal(facts({ 'accept-language': `nl,${'y'.repeat(494)},fr-CA` }).language, 'en')
    assert.deepEqual(facts({ 'accept-language': 'x'.repeat(60_000) }).languages, [])
  })

  it('looks at no more entries than browsers send, whatever they are', () => {
    const junk = (count: number) => Array.from({ length: count }, () => 'x').join(',')
    assert.deepEqual(facts({ 'accept-language': `${junk(19)},de` }).languages, ['de'])
    assert.deepEqual(facts({ 'accept-language': `${junk(20)},de` }).languages, [])
  })

  it('knows how dates and numbers are written, in the region if the browser names one', () => {
    for (const [header, chosen, formats] of [
      ['de', null, ['dmy', ',', '.']],
      ['en-US', null, ['mdy', '.', ',']],
      ['en-GB', null, ['dmy', '.', ',']],
      ['es-MX', 'es', ['dmy', '.', ',']],
      ['es-MX', 'es-ES', ['dmy', ',', '.']],
      ['es-MX', 'ja', ['ymd', '.', ',']],
      ['nl', null, ['mdy', '.', ',']]
    ] as const) {
      const { dateOrder, decimal, thousands } = facts({ 'accept-language': header }, chosen).formats
      assert.deepEqual([dateOrder, decimal, thousands], formats, `${header} ${chosen}`)
    }
    for (const tag of ['zh', 'hu', 'sv', 'fa', 'th', 'ar-SA', 'lt']) assert.match(formatsOf(tag).dateOrder, /^(?:dmy|mdy|ymd)$/)
  })

  it('keeps a bounded number of formats, however many tags strangers send', () => {
    for (let n = 0; n < 1000; n++) assert.equal(formatsOf(`de-x-${n}`).decimal, ',')
    assert.equal(formatsOf('en').decimal, '.')
  })

  it('takes the time zone from its cookie, if there is one of this name', () => {
    for (const [cookie, timeZone] of [
      ['gs-tz=Europe/Berlin', 'Europe/Berlin'],
      ['a=b; gs-tz=America%2FArgentina%2FBuenos_Aires', 'America/Argentina/Buenos_Aires'],
      ['gs-tz=europe/berlin', 'Europe/Berlin'],
      ['gs-tz=Asia/Kolkata', 'Asia/Kolkata'],
      ['gs-tz=Asia/Calcutta', 'Asia/Calcutta'],
      ['gs-tz=Mars/Olympus', null],
      ['gs-tz=%2e%2e/%', null],
      ['gs-tz=', null],
      ['gs-tz=+01:00', null],
      [`gs-tz=${'A'.repeat(5000)}`, null],
      ['gs-tz=Europe/Berlin; gs-tz=Europe/Paris', null]
    ] as const)
      assert.equal(facts({ cookie }).timeZone, timeZone, cookie)
    assert.equal(facts({}).timeZone, null)
    assert.equal(timeZoneName('UTC'), 'UTC')
  })

  it('tells what the browser calls itself so that it can be read', () => {
    assert.equal(facts({ 'user-agent': 'Fire\u001bfox' }).userAgent, 'Fire\\u{1b}fox')
    assert.equal(facts({ 'user-agent': 'x'.repeat(9000) }).userAgent.length, 512)
    assert.equal(facts({}).userAgent, '')
  })

  it('can be sent as JSON', () => {
    assert.deepEqual(JSON.parse(JSON.stringify(facts({ 'accept-language': 'fr', 'user-agent': 'F' }))), {
      referer: null,
      userAgent: 'F',
      language: 'fr',
      languages: ['fr'],
      timeZone: null,
      formats: { dateOrder: 'dmy', decimal: ',', thousands: '\u{202f}' }
    })
  })
})

describe('refererFrom', () => {
  it('is the page of another site, without what is no business of ours', () => {
    const long = `https://other.test/${'p'.repeat(150)}?q=${'x'.repeat(100)}`
    for (const [referer, kept] of [
      ['https://other.test/page?q=1#part', 'https://other.test/page?q=1'],
      ['http://user:secret@other.test/', 'http://other.test/'],
      ['http://site.test/', 'http://site.test/'],
      ['https://site.test/own', null],
      ['https://SITE.test:443/own', null],
      ['javascript:alert(1)', null],
      ['android-app://com.example/', null],
      ['no address', null],
      ['', null],
      ['https://other.test/ä\u001b', 'https://other.test/%C3%A4'],
      [long, `https://other.test/${'p'.repeat(150)}`],
      [`https://other.test/${'p'.repeat(1000)}`, 'https://other.test/'],
      [`https://${'o'.repeat(63)}.${'p'.repeat(63)}.${'q'.repeat(63)}.${'r'.repeat(50)}.test/`, null],
      [`https://other.test/${'p'.repeat(5000)}`, null]
    ] as const)
      assert.equal(refererFrom({ referer }, 'https://site.test'), kept, referer.slice(0, 60))
  })
})

describe('request.gs.client', () => {
  const origins = (app: Parameters<NonNullable<Parameters<typeof build>[2]>>[0]) => {
    app.get('/page', (request, reply) => reply.type('text/html').send(String(request.gs.client.referer)))
    app.get('/client', ({ gs }): ClientFacts => gs.client)
  }
  const page = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }

  it('remembers from where the visitor came, also once he is logged in', async (t) => {
    const { member, browser } = await build(t, { languages: ['de', 'fr', 'es'] }, origins)
    await member('alice')
    const visitor = browser()
    assert.equal((await visitor.get('/page', { ...page, referer: 'https://search.test/?q=boards' })).body, 'https://search.test/?q=boards')
    // Later pages come from here.
    assert.equal((await visitor.get('/page', { ...page, referer: 'https://elsewhere.test/' })).body, 'https://search.test/?q=boards')
    assert.equal((await visitor.post('/lwsgs/login', { username: 'alice', password })).statusCode, 200)
    assert.equal((await visitor.get('/client')).json<ClientFacts>().referer, 'https://search.test/?q=boards')
    const second = browser()
    assert.equal((await second.get('/client', { referer: 'https://search.test/' })).json<ClientFacts>().referer, null, 'no page')
  })

  it('forgets it at logout: the next one at this browser may be somebody else', async (t) => {
    const { member } = await build(t, { languages: ['de', 'fr', 'es'] }, origins)
    const alice = await member('alice')
    await alice.post('/lwsgs/logout')
    assert.equal((await alice.visit('/page')).body, 'null')
  })

  it('is the same of an account and of a visitor, from one request each', async (t) => {
    const { member, browser } = await build(
      t,
      { languages: ['de', 'fr'], session: { cookieName: { anonymous: 'as', loggedIn: 'ls' } } },
      origins
    )
    const headers = { 'accept-language': 'de-LI, fr;q=0.5', 'user-agent': 'Test/1', cookie: 'ls-tz=Europe/Zurich' }
    const wanted = {
      referer: null,
      userAgent: 'Test/1',
      language: 'de',
      languages: ['de-LI', 'fr'],
      timeZone: 'Europe/Zurich',
      formats: formatsOf('de-LI')
    }
    assert.deepEqual((await browser().get('/client', headers)).json(), wanted)
    const alice = await member('alice')
    const cookie = [...alice.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    assert.deepEqual((await alice.get('/client', { ...headers, cookie: `${cookie}; ls-tz=Europe/Zurich` })).json(), wanted)
  })
})
