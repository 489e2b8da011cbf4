import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { request, type IncomingMessage } from 'node:http'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import Sqlite from 'better-sqlite3'
import { FrameReader, Visitor, boardEnvironment, freePort, startBoard, type BoardClient } from './testing.ts'

/** The one sentence on standard error of a start that must fail. */
async function failure(t: TestContext, env: NodeJS.ProcessEnv): Promise<string> {
  const board = startBoard(t, env)
  const [code] = await board.exited
  assert.equal(code, 1)
  const message = await board.errors
  assert.match(message, /^[^\n]+\.\n$/, 'not one sentence on one line')
  assert.doesNotMatch(board.output(), /Message board/)
  return message.trimEnd()
}

describe('a start of the board', () => {
  it('shows where it is and a password that works, once', async (t) => {
    const env = await boardEnvironment(t)
    const first = startBoard(t, env)
    await first.ready()
    assert.match(first.output(), new RegExp(`Message board +http://127\\.0\\.0\\.1:${env.PORT}/\n`))
    assert.match(first.output(), new RegExp(`Mailbox +http://localhost:${env.PORT}/mailbox/`))
    const [, password] = /user name admin, password (\S+)/.exec(first.output())!
    assert.ok(password!.length >= 24)
    const admin = new Visitor(env.GS_BASE_URL)
    await admin.logIn('admin', password!)
    first.child.kill('SIGTERM')
    assert.deepEqual(await first.exited, [0, null])
    assert.equal(await first.errors, '')

    const second = startBoard(t, env)
    await second.ready()
    assert.doesNotMatch(second.output(), /password/)
    await new Visitor(env.GS_BASE_URL).logIn('admin', password!)
    const session = (await (await admin.fetch('/lwsgs/session')).json()) as { username: string }
    assert.equal(session.username, 'admin', 'the session from before the restart is gone')
  })

  it('takes the admin password from the environment and does not show it', async (t) => {
    const env = { ...(await boardEnvironment(t)), GS_ADMIN_PASSWORD: 'a password of my own' }
    const board = startBoard(t, env)
    await board.ready()
    await new Visitor(env.GS_BASE_URL).logIn('admin', 'a password of my own')
    assert.doesNotMatch(board.output(), /a password of my own/)
  })

  it('keeps the admin logged in over a restart, and logs him out when his password is another one', async (t) => {
    const env = { ...(await boardEnvironment(t)), GS_ADMIN_PASSWORD: 'a password of my own' }
    const admin = new Visitor(env.GS_BASE_URL)
    const nameAfterStart = async (password: string) => {
      const board = startBoard(t, { ...env, GS_ADMIN_PASSWORD: password })
      await board.ready()
      if (admin.cookie === '') await admin.logIn('admin', password)
      const { username } = (await (await admin.fetch('/lwsgs/session')).json()) as { username: string | null }
      board.child.kill('SIGTERM')
      await board.exited
      return username
    }
    assert.equal(await nameAfterStart('a password of my own'), 'admin')
    assert.equal(await nameAfterStart('a password of my own'), 'admin')
    assert.equal(await nameAfterStart('another password of mine'), null)
  })

  it('keeps what it answered when it is killed', async (t) => {
    const env = { ...(await boardEnvironment(t)), GS_ADMIN_PASSWORD: 'a password of my own' }
    for (let round = 1; round <= 3; round++) {
      const board = startBoard(t, env)
      await board.ready()
      const admin = new Visitor(env.GS_BASE_URL)
      await admin.logIn('admin', 'a password of my own')
      const posts = Array.from({ length: 4 }, (_, index) => admin.post('/lwsgs/msg', { msg: `round ${round} post ${index}` }))
      for (const response of await Promise.all(posts)) assert.equal(response.status, 201)
      board.child.kill('SIGKILL')
      await board.exited
    }
    const board = startBoard(t, env)
    await board.ready()
    const admin = new Visitor(env.GS_BASE_URL)
    await admin.logIn('admin', 'a password of my own')
    const socket = admin.openBoard()
    const frames = await new FrameReader(socket).count(10)
    socket.terminate()
    assert.deepEqual(
      frames.map(({ idx }) => Number(idx)),
      [3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
    )
    assert.deepEqual(
      frames
        .slice(-4)
        .map(({ content }) => content)
        .toSorted(),
      ['round 3 post 0', 'round 3 post 1', 'round 3 post 2', 'round 3 post 3']
    )
  })

  it('goes on where its readers were when it is killed in the midst of posts and deletions', async (t) => {
    const env = { ...(await boardEnvironment(t)), GS_ADMIN_PASSWORD: 'a password of my own' }
    let board = startBoard(t, env)
    await board.ready()
    const admin = new Visitor(env.GS_BASE_URL)
    await admin.logIn('admin', 'a password of my own')
    const page: { idx: number; content: string }[] = []
    const told: number[] = []
    const take = (client: BoardClient) => {
      for (const frame of client.frames) {
        if (frame.type === 'post') page.push({ idx: frame.post.idx, content: frame.post.content })
        if (frame.type === 'deleted')
          page.splice(
            page.findIndex(({ idx }) => idx === frame.idx),
            1
          )
      }
      told.push(...client.told)
    }
    let after = 0
    const sent = new Set<string>()
    for (let round = 0; round < 4; round++) {
      const client = await admin.openClient(after).ready()
      // The answers to these never came: they are sent again, with the same names.
      const again = [...sent]
      sent.clear()
      for (const id of again) await client.send({ type: 'post', id, msg: id })
      for (let number = 0; number < 8; number++) await client.send({ type: 'post', id: `${round} ${number}`, msg: `${round} ${number}` })
      await client.send({ type: 'delete', idx: client.page.at(-1)!.idx })
      for (let number = 8; number < 12; number++) {
        sent.add(`${round} ${number}`)
        client.socket.send(JSON.stringify({ type: 'post', id: `${round} ${number}`, msg: `${round} ${number}` }))
      }
      if (round % 2 === 0) await client.frame('done', ({ id }) => id === `${round} 9`)
      board.child.kill('SIGKILL')
      await client.closed
      await board.exited
      board = startBoard(t, env)
      await board.ready()
      assert.deepEqual(
        client.frames.filter(({ type }) => type === 'reset' || type === 'refused'),
        []
      )
      take(client)
      after = told.at(-1)!
    }
    const last = await admin.openClient(after).ready()
    for (const id of sent) await last.send({ type: 'post', id, msg: id })
    // Of a deletion that was answered he may not have been told before the end.
    take(last)
    assert.deepEqual(
      told,
      Array.from({ length: told.length }, (_, index) => index + 1)
    )
    const { posts } = await admin.history('?limit=100')
    const contents = posts.map(({ content }) => content)
    assert.equal(new Set(contents).size, contents.length)
    assert.equal(contents.length, 4 * 12 - 4)
    assert.deepEqual(
      contents.slice(0, page.length),
      page.map(({ content }) => content)
    )
  })

  it('works after a start that was killed at any moment', async (t) => {
    const env = await boardEnvironment(t)
    // Kills ever later, until a start comes through; what the earlier ones left behind must not disturb it.
    for (let delay = 50; ; delay *= 1.3) {
      const board = startBoard(t, env)
      const timer = setTimeout(() => board.child.kill('SIGKILL'), delay)
      const [code, signal] = await Promise.race([
        board.exited,
        board
          .ready()
          .then(() => ['ready', null] as const)
          .catch(() => board.exited)
      ])
      clearTimeout(timer)
      if (code === 'ready') {
        const health = await new Visitor(env.GS_BASE_URL).fetch('/healthz')
        assert.equal(health.status, 200)
        return
      }
      assert.equal(signal, 'SIGKILL', await board.errors)
    }
  })
})

describe('SIGTERM and SIGINT', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`${signal}: closes sockets with 1001, finishes what runs, and exits with 0`, async (t) => {
      const env = { ...(await boardEnvironment(t)), GS_ADMIN_PASSWORD: 'a password of my own' }
      const board = startBoard(t, env)
      await board.ready()
      const admin = new Visitor(env.GS_BASE_URL)
      await admin.logIn('admin', 'a password of my own')
      const socket = admin.openBoard()
      const reader = new FrameReader(socket)
      await once(socket, 'open')
      const client = await admin.openClient().ready()

      // A post whose body is still on its way when the signal comes.
      const body = JSON.stringify({ msg: 'the last one' })
      const post = request(`${env.GS_BASE_URL}/lwsgs/msg`, {
        method: 'POST',
        headers: { cookie: admin.cookie, origin: env.GS_BASE_URL, 'content-type': 'application/json', 'content-length': body.length }
      })
      const answered = once(post, 'response') as Promise<[IncomingMessage]>
      post.write(body.slice(0, 5))
      // The server has seen the beginning once it has answered something later.
      await admin.fetch('/healthz')

      board.child.kill(signal)
      board.child.kill(signal)
      const stopping = Date.now()
      assert.equal((await reader.closed).code, 1001)
      assert.equal((await client.closed).code, 1001)
      post.end(body.slice(5))
      const [response] = await answered
      assert.equal(response.statusCode, 201)
      response.resume()
      assert.deepEqual(await board.exited, [0, null])
      // Not when the connections that are kept alive run out of time.
      assert.ok(Date.now() - stopping < 3000)
      assert.equal(await board.errors, '')
    })
  }
})

describe('a stop', () => {
  it('does not wait for ever for a request that never ends', async (t) => {
    const env = { ...(await boardEnvironment(t)), GS_ADMIN_PASSWORD: 'a password of my own' }
    const board = startBoard(t, env)
    await board.ready()
    const admin = new Visitor(env.GS_BASE_URL)
    await admin.logIn('admin', 'a password of my own')
    const socket = connect(Number(env.PORT), '127.0.0.1')
    t.after(() => socket.destroy())
    socket.write(
      `POST /lwsgs/msg HTTP/1.1\r\nHost: x\r\nCookie: ${admin.cookie}\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"`
    )
    await admin.fetch('/healthz')
    const begin = Date.now()
    board.child.kill('SIGTERM')
    assert.deepEqual(await board.exited, [0, null])
    assert.ok(Date.now() - begin < 10_000)
  })
})

describe('a start that cannot succeed says why in one sentence', { concurrency: 2 }, () => {
  it('the port is taken', async (t) => {
    const env = await boardEnvironment(t)
    const other = createServer().listen(Number(env.PORT), '127.0.0.1')
    await once(other, 'listening')
    t.after(() => other.close())
    assert.equal(
      await failure(t, env),
      `Port ${env.PORT} is already in use: stop the program that uses it, or choose another port, e.g. PORT=${Number(env.PORT) + 1}.`
    )
  })

  it('HOST is no address of this machine', async (t) => {
    const env = await boardEnvironment(t)
    assert.match(
      await failure(t, { ...env, HOST: '203.0.113.7' }),
      /^HOST is "203\.0\.113\.7", which is no address of this machine: use 127\.0\.0\.1/
    )
  })

  for (const [name, value, sentence] of [
    ['PORT', '70000', /^PORT is "70000", but it must be a whole number from 1 to 65535/],
    ['GS_BASE_URL', 'board.example', /^GS_BASE_URL must be the address of the board/],
    ['SMTP_URL', 'mail.example', /^SMTP_URL must look like smtp:/],
    ['DATABASE_URL', 'mysql://db', /^DATABASE_URL must look like postgres:/],
    ['GS_ADMIN_PASSWORD', 'short', /^GS_ADMIN_PASSWORD must have 8 characters or more/],
    ['GS_DATA_DIR', join(import.meta.filename, 'data'), /^The data directory .* cannot be written \(ENOTDIR\): .*GS_DATA_DIR\.$/],
    ['GS_WEB_DIR', '/nonexistent', /^The pages of the board are not built .*npm run build/]
  ] as const) {
    it(`${name} is ${value}`, async (t) => {
      const env = await boardEnvironment(t)
      assert.match(await failure(t, { ...env, [name]: value }), sentence)
    })
  }

  it('DATABASE_URL leads nowhere', async (t) => {
    const env = await boardEnvironment(t)
    const message = await failure(t, { ...env, DATABASE_URL: `postgres://user:hunter2@127.0.0.1:${await freePort()}/board` })
    assert.doesNotMatch(message, /hunter2/)
  })

  for (const name of ['gs.sqlite3', 'messageboard.sqlite3']) {
    it(`${name} is not SQLite`, async (t) => {
      const env = await boardEnvironment(t)
      mkdirSync(env.GS_DATA_DIR)
      writeFileSync(join(env.GS_DATA_DIR, name), 'no database\n'.repeat(500))
      assert.match(await failure(t, env), new RegExp(`${name.replace('.', '\\.')} is not an intact SQLite database`))
    })

    it(`${name} comes from a newer version`, async (t) => {
      const env = await boardEnvironment(t)
      const board = startBoard(t, env)
      await board.ready()
      board.child.kill('SIGTERM')
      await board.exited
      const file = new Sqlite(join(env.GS_DATA_DIR, name))
      if (name === 'messageboard.sqlite3') file.pragma('user_version = 999')
      else file.exec('update gs_schema set version = 999')
      file.close()
      assert.match(await failure(t, env), /newer version/)
    })
  }

  it('the keys are damaged', async (t) => {
    const env = await boardEnvironment(t)
    mkdirSync(env.GS_DATA_DIR)
    writeFileSync(join(env.GS_DATA_DIR, 'keys'), 'short\n')
    assert.match(await failure(t, env), /keys is damaged .* remove it/)
  })
})
