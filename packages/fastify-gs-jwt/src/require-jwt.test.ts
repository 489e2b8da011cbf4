import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import formbody from '@fastify/formbody'
import Fastify, { type FastifyInstance } from 'fastify'
import { fastifyGsJwt } from './index.ts'
import { Browser, Clock, issuer, keyFor, startSite } from './testing/site.ts'

const schema = {
  body: { type: 'object', additionalProperties: false, properties: { text: { type: 'string' } } },
  querystring: { type: 'object', additionalProperties: false, properties: { really: { type: 'string' } } }
}

/** A site whose validator refuses members that the schema does not have, in place of dropping them. */
async function startShop(t: TestContext, stage: 'onRequest' | 'preValidation' | 'preHandler' = 'onRequest'): Promise<FastifyInstance> {
  const app = Fastify({ ajv: { customOptions: { removeAdditional: false } } })
  t.after(() => app.close())
  await app.register(formbody)
  await app.register(fastifyGsJwt, {
    keys: { jwk: await keyFor('ES256') },
    alg: 'ES256',
    iss: issuer,
    aud: issuer,
    cookieName: 'session',
    bearer: true
  })
  app.post<{ Body: { sub: string } }>('/login', async ({ body }, reply) => (await app.jwtCookie.set(reply, body)).token)
  const guarded = { [stage]: app.requireJwt({ csrf: true }), ...(stage === 'onRequest' && { schema }) }
  app.post('/act', guarded, ({ body, query }) => ({ body, query }))
  app.delete('/act', { [stage]: app.requireJwt({ csrf: true }) }, () => 'deleted')
  app.get('/act', { [stage]: app.requireJwt({ csrf: true }) }, ({ query }) => ({ query }))
  return app
}

test('who has no token that we believe gets one and the same answer', async (t) => {
  const clock = new Clock()
  const app = await startSite(t, { now: clock.now })
  const { token } = await app.jwtCookie.sign({ sub: 'ann', expiresIn: 60 })
  const other = await startSite(t, { now: clock.now, aud: 'https://other.example' })
  const foreign = (await other.jwtCookie.sign({ sub: 'ann' })).token
  clock.forward(61)
  const cookies = [
    '',
    'session=x',
    `__Host-session=${token}`,
    `__Host-session=${foreign}`,
    '__Host-session=',
    `__Host-session=a; __Host-session=b`
  ]
  const answers = await Promise.all(cookies.map((cookie) => app.inject({ url: '/members', headers: { cookie } })))
  for (const answer of answers) {
    assert.equal(answer.statusCode, 401)
    assert.deepEqual(answer.json(), { statusCode: 401, code: 'GS_JWT_REQUIRED', error: 'Unauthorized', message: 'Please log in first.' })
  }
})

for (const stage of ['onRequest', 'preValidation', 'preHandler'] as const) {
  test(`in ${stage} the claim csrf has to come back, in header, query or body`, async (t) => {
    const app = await startShop(t, stage)
    const ann = new Browser(app)
    const bob = new Browser(app)
    await ann.login('ann')
    await bob.login('bob')
    const csrf = await ann.csrf()
    const others = await bob.csrf()
    const header = (value: string) => ({ 'x-jwt-csrf': value })

    const right: [string, () => Promise<{ statusCode: number }>][] = [
      ['header', () => ann.post('/act', { text: 'x' }, header(csrf))],
      ['query', () => ann.post(`/act?csrf=${csrf}`, { text: 'x' })],
      ['JSON', () => ann.post('/act', { text: 'x', csrf })],
      ['form', () => ann.form('/act', { text: 'x', csrf })],
      ['everywhere', () => ann.post(`/act?csrf=${csrf}`, { text: 'x', csrf }, header(csrf))],
      ['link', () => ann.get(`/act?csrf=${csrf}`)],
      ['no body', () => ann.send({ method: 'DELETE', url: '/act', headers: header(csrf) })]
    ]
    for (const [where, send] of right) assert.equal((await send()).statusCode, 200, where)

    const wrong: [string, () => Promise<{ statusCode: number; json: () => { code: string } }>][] = [
      ['nowhere', () => ann.post('/act', { text: 'x' })],
      ['no body at all', () => ann.send({ method: 'POST', url: '/act' })],
      ['no body and nothing said', () => ann.send({ method: 'DELETE', url: '/act' })],
      ['a link without it', () => ann.get('/act')],
      ['of somebody else', () => ann.post('/act', { text: 'x' }, header(others))],
      ['upper case', () => ann.post('/act', {}, header(`${csrf.slice(0, -1)}${csrf.at(-1) === 'A' ? 'B' : 'A'}`))],
      ['shorter', () => ann.post('/act', {}, header(csrf.slice(1)))],
      ['longer', () => ann.post('/act', {}, header(`${csrf}0`))],
      ['twice in the query', () => ann.post(`/act?csrf=${csrf}&csrf=${csrf}`)],
      ['a list in the body', () => ann.post('/act', { csrf: [csrf] })],
      ['a number in the body', () => ann.post('/act', { csrf: 1 })],
      ['null in the body', () => ann.post('/act', { csrf: null })],
      ['empty', () => ann.form('/act', { csrf: '' })],
      ['right in the header, wrong in the body', () => ann.post('/act', { csrf: others }, header(csrf))],
      ['right in the body, wrong in the query', () => ann.post(`/act?csrf=${others}`, { csrf })],
      ['a body that is a list', () => ann.post('/act', [{ csrf }])]
    ]
    for (const [where, send] of wrong) {
      const answer = await send()
      assert.deepEqual([answer.statusCode, answer.json().code], [403, 'GS_JWT_CSRF'], where)
    }
  })
}

test('the field is taken out before the schema and the handler see it', async (t) => {
  const app = await startShop(t)
  const ann = new Browser(app)
  await ann.login('ann')
  const csrf = await ann.csrf()
  const answer = await ann.post(`/act?csrf=${csrf}&really=yes`, { text: 'x', csrf })
  assert.deepEqual(answer.json(), { body: { text: 'x' }, query: { really: 'yes' } })
})

test('what no browser sends by itself needs no claim', async (t) => {
  const app = await startShop(t)
  const token = (await app.inject({ method: 'POST', url: '/login', payload: { sub: 'ann' } })).body
  const headers = { authorization: `Bearer ${token}` }
  assert.equal((await app.inject({ method: 'POST', url: '/act', headers, payload: {} })).statusCode, 200)
  const both = { ...headers, cookie: `__Host-session=${token}` }
  assert.equal((await app.inject({ method: 'POST', url: '/act', headers: both, payload: {} })).statusCode, 403)
})

test('a scope and a route may both ask for it', async (t) => {
  const app = await startSite(t)
  await app.register(async (scope) => {
    scope.addHook('onRequest', app.requireJwt({ csrf: true }))
    scope.post('/act', { onRequest: app.requireJwt({ csrf: true }) }, () => 'done')
  })
  const ann = new Browser(app)
  await ann.login('ann')
  const csrf = await ann.csrf()
  assert.equal((await ann.post(`/act?csrf=${csrf}`)).statusCode, 200)
  assert.equal((await ann.post('/act', { csrf })).statusCode, 200)
  assert.equal((await ann.post('/act')).statusCode, 403)
})

test('a hook that gives another token on the way does not spare the claim', async (t) => {
  const app = await startSite(t)
  app.post(
    '/act',
    { onRequest: [app.requireJwt({ csrf: true }), async (_request, reply) => void (await app.jwtCookie.set(reply, { sub: 'ann' }))] },
    () => 'done'
  )
  const ann = new Browser(app)
  await ann.login('ann')
  assert.equal((await ann.post('/act')).statusCode, 403)
  await ann.login('ann')
  assert.equal((await ann.post('/act', { csrf: await ann.csrf() })).statusCode, 200)
})

test('a scope that was registered before the plugin is protected like any other', async (t) => {
  const app = await startSite(t, {}, (site) => {
    void site.register(async (scope) => {
      scope.get('/early', { onRequest: (...given) => site.requireJwt().apply(site, given) }, ({ jwt }) => `for ${jwt?.sub}`)
      scope.get('/early/who', ({ jwt }) => ({ isNobody: jwt === null }))
    })
  })
  const ann = new Browser(app)
  assert.equal((await ann.get('/early')).statusCode, 401)
  assert.deepEqual((await ann.get('/early/who')).json(), { isNobody: true })
  await ann.login('ann')
  assert.equal((await ann.get('/early')).body, 'for ann')
})

test('a route outside of the scope of the plugin lets nobody in', async (t) => {
  const app = Fastify()
  t.after(() => app.close())
  await app.register(async (scope) => {
    await scope.register(fastifyGsJwt, {
      keys: { jwk: await keyFor('ES256') },
      alg: 'ES256',
      iss: issuer,
      aud: issuer,
      cookieName: 'session'
    })
    app.get('/outside', { onRequest: scope.requireJwt() }, () => 'secret')
  })
  const answer = await app.inject('/outside')
  assert.equal(answer.statusCode, 500)
  assert.match(answer.json().message, /The route \/outside is outside of the scope in which fastify-gs-jwt was registered/)
})

test('an option that is none is refused where the route is added', async (t) => {
  const app = await startSite(t)
  assert.throws(() => app.requireJwt({ crsf: true } as never), /requireJwt\(\) does not know the option crsf; it knows csrf/)
  assert.throws(() => app.requireJwt({ csrf: 'yes' } as never), /the option csrf of requireJwt\(\) must be true or false/)
})

test('of what only a bearer may see no copy is left behind, unless the handler says so', async (t) => {
  const app = await startSite(t)
  app.get('/kept', { onRequest: app.requireJwt() }, (_request, reply) => reply.header('cache-control', 'private, max-age=60').send('x'))
  const ann = new Browser(app)
  assert.equal((await ann.get('/members')).headers['cache-control'], 'no-store')
  await ann.login('ann')
  assert.equal((await ann.get('/members')).headers['cache-control'], 'no-store')
  assert.equal((await ann.get('/kept')).headers['cache-control'], 'private, max-age=60')
  assert.equal((await ann.get('/who')).headers['cache-control'], undefined)
})
