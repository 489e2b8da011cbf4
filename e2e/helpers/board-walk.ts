import { expect, type WebSocketRoute } from '@playwright/test'
import { anotherBrowser, openBoard } from './own-board.ts'
import type { Walk } from './panels.ts'
import { join } from './people.ts'

/** States of the board. Everybody writes on the same one, so each text says whose it is. */
export const boardWalk: Walk = async (page, mailbox, look) => {
  const { username } = await join(page, mailbox, 'shown.writer')
  let refuse = false
  let last: WebSocketRoute | undefined
  await page.routeWebSocket('**/lwsgs/board*', (socket) => {
    last = socket
    const server = socket.connectToServer()
    socket.onMessage((message) => {
      const { id } = JSON.parse(message.toString()) as { id: string }
      if (refuse) socket.send(JSON.stringify({ type: 'refused', id, code: 'BOARD_TOO_MANY_POSTS', message: 'Please wait a minute.' }))
      else server.send(message)
    })
  })
  const message = (text: string) => page.locator('.message', { hasText: `${username}: ${text}` })
  const area = page.getByLabel('Message', { exact: true })
  const write = async (text: string) => {
    await area.fill(`${username}: ${text}`)
    await area.press('Control+Enter')
    await expect(message(text)).toBeVisible()
  }

  await openBoard(page)
  const other = await anotherBrowser(page.context().browser()!, new URL(page.url()).origin)
  await join(other, mailbox, 'shown.other')
  const sent = await other.request.post('/lwsgs/msg', {
    data: { msg: `${username}: see https://example.com/${'a-long-address-'.repeat(8)} for the details, it is worth it.` }
  })
  expect(sent.status()).toBe(201)
  await other.context().close()
  await expect(message('see')).toBeVisible()
  await write(`a post\n\nof several lines, with ${'averylongword'.repeat(12)} in it`)
  await expect(page.locator('.message[data-state]')).toHaveCount(0)
  await look('board')

  refuse = true
  await write('refused')
  await expect(message('refused').getByRole('button')).toHaveCount(3)
  await area.fill('x'.repeat(4003))
  await look('board-refused')
  await message('refused').getByRole('button', { name: 'Discard' }).click()
  await area.fill('')

  await message('a post').getByRole('button').click()
  await expect(page.getByRole('dialog')).toBeVisible()
  await look('board-question')
  await page.keyboard.press('Escape')

  // The posts of a whole page, and one that comes while others are read.
  for (let n = 0; n < 30; n++)
    expect((await page.request.post('/lwsgs/msg', { data: { msg: `${username}: line ${n}.` } })).status()).toBe(201)
  await page.route('**/lwsgs/messages?*', (route) => route.abort())
  await page.reload()
  await expect(message('line 29.')).toBeVisible()
  await page.evaluate(() => window.scrollTo({ top: document.documentElement.scrollHeight, behavior: 'instant' }))
  await expect(page.getByRole('alert')).toBeVisible()
  const post = { idx: 9_000_000, time: Math.floor(Date.now() / 1000), username: 'somebody', content: 'new', own: false, deletable: false }
  last!.send(JSON.stringify({ type: 'post', seq: 9_000_000, post }))
  // Others may write at the same moment.
  await expect(page.getByRole('button', { name: /\d new post/ })).toBeVisible()
  await look('board-end')

  await last!.close({ code: 4403, reason: 'mask' })
  await expect(page.getByRole('alert')).toContainText('The board is closed to you')
  await look('board-closed')
}
