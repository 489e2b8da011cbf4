import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { build, password } from './testing/build.ts'

describe('the log', () => {
  it('has each security event with ids, one JSON object a line, and no password, token, name or address of mail', async (t) => {
    const lines: string[] = []
    const stream = { write: (line: string) => void lines.push(line) }
    const { browser, inbox, member } = await build(t, {}, (app) => void app.get('/members', { config: { gs: 'admin' } }, () => 'x'), {
      logger: { level: 'trace', stream }
    })
    const secrets = [password, 'a brand new password', 'not the right password']
    const alice = await member('alice-in-the-log', 'alice-in-the-log@mail.test')
    secrets.push(alice.token!)
    const hostile = 'x\r\n{"level":60}\u2028\u001b[31m%s'
    await browser().post(
      '/lwsgs/login',
      { username: hostile, password: 'not the right password' },
      { 'user-agent': hostile.replaceAll(/[^ -~]/g, '') }
    )
    await alice.post('/lwsgs/change-password', { currentPassword: 'not the right password', password: 'a brand new password' })
    await alice.post('/lwsgs/change-email', { email: 'new-alice-in-the-log@mail.test', currentPassword: password })
    const change = await inbox.token('new-alice-in-the-log@mail.test', /Confirm/)
    await alice.post('/lwsgs/change-email/redeem', { token: change })
    const undo = await inbox.token('alice-in-the-log@mail.test', /address .* was changed/)
    secrets.push(change, undo, alice.token!)
    await alice.visit(`/lwsgs/lwsgs-undo-email?token=${undo}`)
    await alice.post('/lwsgs/change-email/undo', { token: undo })
    secrets.push(alice.token!)
    await alice.post('/lwsgs/change-password', { password })
    await alice.get('/members')
    await alice.post('/lwsgs/logout', {}, { origin: 'https://evil.test' })
    await alice.post('/lwsgs/logout')
    await browser().post('/lwsgs/forgot-password', { username: 'alice-in-the-log' })
    const token = await inbox.token('alice-in-the-log@mail.test', /Set a new/)
    secrets.push(token, await inbox.token('alice-in-the-log@mail.test', /Confirm/))
    const visitor = browser()
    await visitor.visit(`/lwsgs/lwsgs-forgot?token=${token}`)
    await visitor.post('/lwsgs/forgot-password/redeem', { token })
    secrets.push(visitor.token!)
    await visitor.post('/lwsgs/change-password', { password: 'a brand new password' })
    secrets.push(visitor.token!)
    await visitor.post('/lwsgs/delete-account', { currentPassword: 'a brand new password' })

    const log = lines.join('')
    for (const secret of [...secrets, 'alice-in-the-log', 'argon2id']) assert.equal(log.includes(secret), false, secret)
    const events = lines
      .flatMap((line) => line.trimEnd().split('\n'))
      .map((line) => JSON.parse(line) as { gs?: string; accountId?: string; ip?: string })
    const seen = new Set(events.map((event) => event.gs))
    for (const event of [
      'register',
      'verify-email',
      'login',
      'current-password',
      'policy',
      'cross-site',
      'logout',
      'forgot-password',
      'change-password',
      'change-email',
      'undo-email',
      'delete-account'
    ])
      assert.ok(seen.has(event), event)
    assert.ok(events.filter((event) => event.gs !== undefined).every((event) => event.ip === '127.0.0.1'))
  })
})
