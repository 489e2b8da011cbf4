import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import fastifyCookie from '@fastify/cookie'
import Fastify from 'fastify'
import { build } from '../testing/build.ts'
import { createSessionCookie } from './session-cookie.ts'

const token = 'T0ken_0123456789-abcdefghij'

describe('the session cookie', () => {
  const secure = createSessionCookie('gs', true)
  const cases: [name: string, header: string | undefined, value: string | null][] = [
    ['finds its value', `__Host-gs=${token}`, token],
    ['finds it between others', `a=1; __Host-gs=${token}; b=2`, token],
    ['finds it without the usual space', `a=1;__Host-gs=${token};b=2`, token],
    ['finds it among tabs and empty pairs', `;; a=1;\t __Host-gs=${token}\t ; ;`, token],
    ['finds it beside names that objects have', `__proto__=x; constructor=y; hasOwnProperty=z; __Host-gs=${token}`, token],
    ['prefers it to the name without prefix', `gs=evil; __Host-gs=${token}; __Secure-gs=evil`, token],
    ['is null without a header', undefined, null],
    ['is null for an empty header', '', null],
    ['is null for other names only', 'a=1; b=__Host-gs', null],
    ['gives an empty value as it is', '__Host-gs=', ''],
    ['does not decode', '__Host-gs=%61bc', '%61bc'],
    ['does not take quotes away', `__Host-gs="${token}"`, `"${token}"`],
    ['keeps further equals signs', '__Host-gs=a=b', 'a=b'],
    ['does not take a no-break space away', `__Host-gs=${token}\u00a0`, `${token}\u00a0`],
    ['ignores a longer name', `x__Host-gs=${token}`, null],
    ['ignores a name that it begins', `__Host-gsx=${token}`, null],
    ['ignores another spelling', `__host-gs=${token}`, null],
    ['ignores the name without prefix', `gs=${token}`, null],
    ['ignores the weaker prefix', `__Secure-gs=${token}`, null],
    ['ignores a no-break space before the name', `\u00a0__Host-gs=${token}`, null],
    ['ignores a vertical tab before the name', `a=1;\v__Host-gs=${token}`, null],
    ['ignores a space before the equals sign', `__Host-gs =${token}`, null],
    ['ignores a name inside of a value', `a=__Host-gs=${token}`, null],
    ['ignores an encoded name', `__Host%2Dgs=${token}`, null],
    ['is ambiguous with two values', `__Host-gs=evil; __Host-gs=${token}`, null],
    ['is ambiguous with two values, reversed', `__Host-gs=${token}; __Host-gs=evil`, null],
    ['is ambiguous with the same value twice', `__Host-gs=${token}; __Host-gs=${token}`, null],
    ['is ambiguous with an empty second value', `__Host-gs=${token}; a=1; __Host-gs=`, null]
  ]
  for (const [name, header, value] of cases) it(name, () => assert.equal(secure.read(header), value))

  it('has its plain name over http', () => {
    const plain = createSessionCookie('gs', false)
    assert.equal(plain.name, 'gs')
    assert.equal(plain.read(`gs=${token}`), token)
    for (const header of [`xgs=${token}`, `GS=${token}`, `__Host-gs=${token}`, `__Secure-gs=${token}`, `gs=a; gs=${token}`])
      assert.equal(plain.read(header), null, header)
  })

  it('is read in linear time, however many blanks and pairs a header has', () => {
    const blanks = ' \t'.repeat(50_000)
    const header = `${'a=b; '.repeat(200_000)}${blanks}x;${blanks}__Host-gs=${token}${blanks}x${blanks}`
    const start = performance.now()
    assert.equal(secure.read(header), `${token}${blanks}x`)
    assert.ok(performance.now() - start < 2000)
  })

  it('is written for this host only, out of reach of scripts and of cross-site posts', async (t) => {
    const app = Fastify()
    t.after(() => app.close())
    // What the application has chosen for its own cookies is not for this one.
    const parseOptions = { domain: 'example.com', maxAge: 60, expires: new Date(0), partitioned: true, signed: true, encode: () => 'x' }
    await app.register(fastifyCookie, { hook: false, secret: 'of the application', parseOptions })
    for (const overHttps of [true, false]) {
      const cookie = createSessionCookie('gs', overHttps)
      app.get(`/${overHttps}`, (_request, reply) => {
        cookie.write(reply, token)
        return 'ok'
      })
      app.get(`/${overHttps}/remember`, (_request, reply) => {
        cookie.write(reply, token, 2_592_000)
        return 'ok'
      })
    }
    const written = async (url: string) => (await app.inject(url)).headers['set-cookie']
    assert.equal(await written('/true'), `__Host-gs=${token}; Path=/; HttpOnly; Secure; SameSite=Lax`)
    assert.equal(await written('/true/remember'), `__Host-gs=${token}; Max-Age=2592000; Path=/; HttpOnly; Secure; SameSite=Lax`)
    assert.equal(await written('/false'), `gs=${token}; Path=/; HttpOnly; SameSite=Lax`)
    assert.equal(await written('/false/remember'), `gs=${token}; Max-Age=2592000; Path=/; HttpOnly; SameSite=Lax`)
  })
})

describe('a request with a cookie', () => {
  it('is logged in by exactly the token, raw, once', async (t) => {
    const { app, member } = await build(t, { baseUrl: 'https://site.test' })
    const { token: valid } = await member('alice')
    const who = async (headers: Record<string, string>, url = '/lwsgs/session') => {
      const response = await app.inject({ url, headers })
      assert.equal(response.statusCode, 200, JSON.stringify(headers))
      return response.json().username
    }
    assert.equal(await who({ cookie: `__Host-gs=${valid}` }), 'alice')
    assert.equal(await who({ cookie: `__proto__=x; constructor=y; hasOwnProperty=z; __Host-gs=${valid}` }), 'alice')
    const encoded = `%${valid!.charCodeAt(0).toString(16)}${valid!.slice(1)}`
    const values = ['', 'a', valid!.slice(1), `${valid}A`, 'A'.repeat(4096), encoded, `"${valid}"`, `${valid}é`, `${valid}.`, `${valid},`]
    for (const value of values) assert.equal(await who({ cookie: `__Host-gs=${value}` }), null, value)
    for (let at = 0; at < valid!.length; at++) {
      const changed = valid!.slice(0, at) + (valid![at] === 'A' ? 'B' : 'A') + valid!.slice(at + 1)
      assert.equal(await who({ cookie: `__Host-gs=${changed}` }), null, changed)
    }
    for (const name of ['x__Host-gs', '__host-gs', '\u00a0__Host-gs', 'gs', '__Secure-gs'])
      assert.equal(await who({ cookie: `${name}=${valid}` }), null, name)
    assert.equal(await who({ authorization: `Bearer ${valid}`, 'x-session': valid! }, '/lwsgs/session'), null)
  })

  it('is anonymous when two header lines have the cookie, in either order', async (t) => {
    const { app, member } = await build(t)
    const { token: valid } = await member('alice')
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as AddressInfo
    const ask = async (...cookies: string[]) => {
      const socket = connect(port, '127.0.0.1')
      await once(socket, 'connect')
      const lines = ['GET /lwsgs/session HTTP/1.1', 'Host: localhost', ...cookies.map((cookie) => `Cookie: ${cookie}`), 'Connection: close']
      socket.write(`${lines.join('\r\n')}\r\n\r\n`)
      const answer = await text(socket)
      assert.match(answer, /^HTTP\/1\.1 200 /)
      return JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))).username as string | null
    }
    assert.equal(await ask(`gs=${valid}`), 'alice')
    assert.equal(await ask('other=1', `gs=${valid}`), 'alice')
    assert.equal(await ask(`gs=${valid}`, 'gs=evil'), null)
    assert.equal(await ask('gs=evil', `gs=${valid}`), null)
  })
})
