import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { it } from 'node:test'
import { callbackify } from 'node:util'
import PostalMime from 'postal-mime'
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server'
import { FrameReader, Visitor, boardEnvironment, startBoard } from './testing.ts'

/** A mail server that outlives the board, as a real one does. */
async function startMailServer() {
  const mails: { to: string; subject: string; text: string }[] = []
  const waiting = new Set<() => void>()
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    onData: callbackify(async (stream: SMTPServerDataStream, session: SMTPServerSession) => {
      const { subject = '', text = '' } = await PostalMime.parse(await buffer(stream))
      mails.push({ to: session.envelope.rcptTo[0]?.address ?? '', subject, text })
      for (const wake of waiting) wake()
    })
  })
  // The board is killed in the midst of a delivery, too.
  server.on('error', () => {})
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  return {
    url: `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
    /** The token of the newest such mail; waits for it. */
    async token(to: string, subject: RegExp): Promise<string> {
      for (;;) {
        const mail = mails.findLast((candidate) => candidate.to === to && subject.test(candidate.subject))
        if (mail !== undefined) return /token=([\w-]+)/.exec(mail.text)![1]!
        await new Promise<void>((resolve) => {
          const wake = () => {
            waiting.delete(wake)
            resolve()
          }
          waiting.add(wake)
        })
      }
    }
  }
}

it('loses nothing that was answered when the board is killed after each request of the story, and leaves no half account', async (t) => {
  const mail = await startMailServer()
  t.after(mail.close)
  const env = { ...(await boardEnvironment(t)), SMTP_URL: mail.url, GS_ADMIN_PASSWORD: 'a password of my own' }
  const alice = new Visitor(env.GS_BASE_URL)
  const password = 'correct horse battery staple'
  const changed = 'a quite different phrase'
  const email = 'alice@example.com'

  const session = async (visitor = alice) => {
    const { username, mask } = (await (await visitor.fetch('/lwsgs/session')).json()) as { username: string | null; mask: number }
    return [username, mask]
  }
  const call = async (path: string, body: object, status: number) => {
    const response = await alice.post(path, body)
    assert.equal(response.status, status, `${path}: ${await response.clone().text()}`)
    return response
  }
  const lastPost = async () => {
    const socket = alice.openBoard()
    const [frame] = await new FrameReader(socket).count(1)
    socket.terminate()
    return frame?.content
  }

  const steps: [request: () => Promise<unknown>, afterwards: () => Promise<unknown>, expected: unknown][] = [
    [() => call('/lwsgs/register', { username: 'alice', email, password }, 202), () => session(), [null, 0]],
    [() => call('/lwsgs/login', { username: 'alice', password }, 200), () => session(), ['alice', 1]],
    [async () => call('/lwsgs/verify-email', { token: await mail.token(email, /Confirm/) }, 200), () => session(), ['alice', 5]],
    [() => call('/lwsgs/msg', { msg: 'still here' }, 201), lastPost, 'still here'],
    [() => call('/lwsgs/logout', {}, 200), () => session(), [null, 0]],
    [() => call('/lwsgs/forgot-password', { email }, 202), () => session(), [null, 0]],
    [
      async () => call('/lwsgs/forgot-password/redeem', { token: await mail.token(email, /Set a new/) }, 200),
      () => session(),
      ['alice', 13]
    ],
    [() => call('/lwsgs/change-password', { password: changed }, 200), () => session(), ['alice', 5]],
    [() => call('/lwsgs/logout', {}, 200), () => session(), [null, 0]],
    [() => call('/lwsgs/login', { username: email, password: changed }, 200), lastPost, 'still here'],
    [() => call('/lwsgs/delete-account', { currentPassword: changed }, 200), () => session(), [null, 0]],
    [
      async () => assert.equal((await alice.post('/lwsgs/login', { username: 'alice', password: changed })).status, 401),
      async () => (await alice.fetch('/lwsgs/check?username=alice')).json(),
      { available: true }
    ]
  ]

  let board = startBoard(t, env)
  await board.ready()
  for (const [index, [request, afterwards, expected]] of steps.entries()) {
    await request()
    board.child.kill('SIGKILL')
    await board.exited
    board = startBoard(t, env)
    await board.ready()
    assert.deepEqual(await afterwards(), expected, `after step ${index}`)
  }
})
