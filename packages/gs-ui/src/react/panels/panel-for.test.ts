import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { GsState } from '../../client/session-store.ts'
import { panelFor } from './panel-for.ts'

function ready(username: string | null, mask: number, mustChangePassword = false): GsState {
  const session = {
    username,
    email: null,
    verified: false,
    admin: false,
    mustChangePassword,
    mask,
    level: 1,
    sectors: [],
    ip: '127.0.0.1',
    session: 'session-1',
    expiresAt: 0,
    csrfToken: ''
  }
  return { status: 'ready', session, error: null }
}

describe('panelFor', () => {
  test('shows what is known about the session', () => {
    assert.equal(panelFor({ status: 'loading', session: null, error: null }, 'login'), 'loading')
    assert.equal(panelFor({ status: 'failed', session: null, error: { code: 'GS_NETWORK', message: '' } }, 'login'), 'failed')
    assert.equal(panelFor(ready(null, 0), null), 'login')
    assert.equal(panelFor(ready('alice', 5), null), 'badge')
  })
  test('shows what was chosen, as far as it is for this visitor', () => {
    assert.equal(panelFor(ready(null, 0), 'register'), 'register')
    assert.equal(panelFor(ready(null, 0), 'delete-account'), 'login')
    assert.equal(panelFor(ready('alice', 5), 'delete-account'), 'delete-account')
    assert.equal(panelFor(ready('alice', 5), 'register'), 'badge')
  })
  test('asks for a new password after a lost-password link, until something else is chosen', () => {
    assert.equal(panelFor(ready('alice', 13), null), 'new-password')
    assert.equal(panelFor(ready('alice', 13), 'badge'), 'badge')
    assert.equal(panelFor(ready('alice', 0x80000005 | 8), null), 'new-password')
  })
  test('shows who must choose a new password nothing else, whatever was chosen', () => {
    for (const chosen of [null, 'badge', 'account', 'admin', 'new-password', 'login-code'] as const)
      assert.equal(panelFor(ready('alice', 1, true), chosen), 'must-change-password', String(chosen))
    assert.equal(panelFor(ready('alice', 9, true), null), 'must-change-password')
  })
  test('lets a guest log in with a code', () => {
    assert.equal(panelFor(ready(null, 0), 'login-code'), 'login-code')
    assert.equal(panelFor(ready('alice', 5), 'login-code'), 'badge')
  })
  test('keeps the form for a new password when the five minutes end while it is open', () => {
    assert.equal(panelFor(ready('alice', 5), 'new-password'), 'new-password')
    assert.equal(panelFor(ready(null, 0), 'new-password'), 'login')
  })
})
