import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasMailbox } from './mailbox-link.ts'

test('there is a mailbox only when the board says so', async () => {
  assert.equal(await hasMailbox(async () => Response.json({ available: true })), true)
  assert.equal(await hasMailbox(async () => Response.json({ available: false })), false)
  assert.equal(await hasMailbox(async () => Response.json({ available: 'true' })), false)
  assert.equal(await hasMailbox(async () => Response.json(null)), false)
  assert.equal(await hasMailbox(async () => Response.json({ available: true }, { status: 404 })), false)
  assert.equal(await hasMailbox(async () => new Response('<h1>Hello</h1>')), false)
  assert.equal(await hasMailbox(() => Promise.reject(new TypeError('offline'))), false)
})
