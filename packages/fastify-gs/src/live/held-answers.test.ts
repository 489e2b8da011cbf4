import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import Fastify from 'fastify'
import { build } from '../testing/build.ts'
import { createHeldAnswers } from './held-answers.ts'

async function site(t: TestContext, patience?: number) {
  const { hold, beforeAnswer } = createHeldAnswers(patience)
  const app = Fastify()
  t.after(() => app.close())
  app.addHook('onSend', beforeAnswer)
  app.all('/', (_request, reply) => reply.code(201).send('done'))
  await app.ready()
  let answered = 0
  const send = async (method: 'GET' | 'HEAD' | 'OPTIONS' | 'POST' | 'PUT' | 'PATCH' | 'DELETE') => {
    const answer = await app.inject({ method, url: '/' })
    answered++
    return answer
  }
  return { hold, send, answered: () => answered }
}

describe('an answer that is held', () => {
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'] as const)
    it(`waits for all work that is under way: ${method}`, async (t) => {
      const { hold, send, answered } = await site(t)
      const [one, two] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      hold(one.promise)
      hold(two.promise)
      const answer = send(method)
      one.resolve()
      for (let turns = 0; turns < 20; turns++) await turn()
      assert.equal(answered(), 0)
      two.resolve()
      assert.deepEqual([(await answer).statusCode, (await answer).body], [201, 'done'])
    })

  for (const method of ['GET', 'HEAD', 'OPTIONS'] as const)
    it(`is not that of who only reads: ${method}`, async (t) => {
      const { hold, send } = await site(t)
      hold(new Promise(() => undefined))
      assert.equal((await send(method)).statusCode, 201)
    })

  it('goes out when the work fails', async (t) => {
    const { hold, send } = await site(t)
    hold(Promise.reject(new Error('no disk')))
    assert.equal((await send('POST')).statusCode, 201)
  })

  it('goes out when its time is over, and holds nobody later', async (t) => {
    const { hold, send } = await site(t, 30)
    hold(new Promise(() => undefined))
    const keepsRunning = setInterval(() => undefined, 1000)
    t.after(() => clearInterval(keepsRunning))
    assert.equal((await send('POST')).statusCode, 201)
    assert.equal((await send('POST')).statusCode, 201)
  })

  it('is that of the request that has ended a session, when a listener wants it', async (t) => {
    const { app, member } = await build(t)
    const alice = await member('alice')
    const written = Promise.withResolvers<void>()
    const told = Promise.withResolvers<void>()
    app.gs.onSessionEnd(() => {
      app.gs.holdAnswers(written.promise)
      told.resolve()
    })
    let answered = false
    const answer = alice.post('/lwsgs/logout').finally(() => (answered = true))
    await told.promise
    for (let turns = 0; turns < 20; turns++) await turn()
    assert.equal(answered, false)
    written.resolve()
    assert.equal((await answer).statusCode, 200)
  })
})
