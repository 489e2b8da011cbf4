import { expect, type Page } from '@playwright/test'
import { anotherBrowser, openBoard, postOf, posts, test, write } from './helpers/own-board.ts'
import { call, join, joinAsAdmin } from './helpers/people.ts'
import { password } from './helpers/visitor.ts'

const presence = (page: Page) => page.locator('.people')

test('two people see each other’s posts live, and how many are there', async ({ page, browser, baseURL, mailbox }) => {
  const alice = await join(page, mailbox, 'alice')
  await openBoard(page)
  await expect(presence(page)).toHaveText('1 person here')

  const other = await anotherBrowser(browser, baseURL)
  const bob = await join(other, mailbox, 'bob')
  await openBoard(other)
  for (const each of [page, other]) await expect(presence(each)).toHaveText('2 people here')

  // People are counted, not windows.
  const window = await page.context().newPage()
  await openBoard(window)
  await expect(presence(window)).toHaveText('2 people here')

  await write(page, 'Hello from the first')
  await write(other, 'Hello from the second')
  for (const each of [page, other, window]) {
    await expect(postOf(each, 'Hello from the first')).toHaveCount(1)
    await expect(postOf(each, 'Hello from the second')).toHaveCount(1)
  }
  // Whose it is can be told without colours.
  await expect(postOf(page, 'Hello from the first')).toContainText(`${alice.username}you`)
  await expect(postOf(window, 'Hello from the first').getByText('you', { exact: true })).toBeVisible()
  await expect(postOf(other, 'Hello from the first').getByText('you', { exact: true })).toHaveCount(0)
  await expect(postOf(page, 'Hello from the second')).toContainText(bob.username)

  await other.context().close()
  for (const each of [page, window]) await expect(presence(each)).toHaveText('1 person here')
})

test('nothing of an author is on the page or on the wire but the name', async ({ page, browser, baseURL, mailbox }) => {
  const other = await anotherBrowser(browser, baseURL)
  const author = await join(other, mailbox, 'secretive')
  await openBoard(other)
  await join(page, mailbox, 'curious')
  const heard: string[] = []
  page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => heard.push(payload.toString())))
  await openBoard(page)
  await write(other, 'It was me')
  await expect(postOf(page, 'It was me')).toHaveCount(1)
  const history = await (await page.request.get('/lwsgs/messages')).text()
  expect(heard.join()).toContain('It was me')
  for (const text of [...heard, history, await page.content()]) {
    expect(text).not.toContain(author.email)
    expect(text).not.toMatch(/10\.\d+\.\d+\.\d+|127\.0\.0\.1/)
  }
  await other.context().close()
})

for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
  test(`when the server is gone (${signal}) and comes back, each post is there once`, async ({ page, board, browser, mailbox }) => {
    await join(page, mailbox, 'patient')
    await openBoard(page)
    const other = await anotherBrowser(browser, board.origin)
    await join(other, mailbox, 'eager')
    await openBoard(other)
    await write(page, `before ${signal}`)
    await expect(postOf(other, `before ${signal}`)).toHaveCount(1)

    await board.stop(signal)
    for (const each of [page, other]) await expect(each.getByText('Connection lost, trying again …')).toBeVisible()
    await write(page, `one while away ${signal}`)
    await write(other, `two while away ${signal}`)
    await write(page, `three while away ${signal}`)
    await expect(postOf(page, `one while away ${signal}`).getByText('Waiting for the connection …')).toBeVisible()
    await board.start()

    const texts = ['before', 'one while away', 'two while away', 'three while away'].map((text) => `${text} ${signal}`)
    for (const each of [page, other]) {
      for (const text of texts) {
        await expect(postOf(each, text)).toHaveCount(1, { timeout: 40_000 })
        await expect(postOf(each, text).getByRole('time')).toBeVisible()
      }
    }
    // A fresh page sees the same.
    const fresh = await other.context().newPage()
    await openBoard(fresh)
    for (const text of texts) await expect(postOf(fresh, text)).toHaveCount(1)
    const order = async (each: Page) => (await posts(each).locator('.content').allTextContents()).filter((text) => texts.includes(text))
    expect(await order(page)).toEqual(await order(fresh))
    expect((await order(fresh)).indexOf(texts[1]!)).toBeGreaterThan((await order(fresh)).indexOf(texts[3]!))
    await other.context().close()
  })
}

test('without a network nothing is lost, and nothing comes twice', async ({ page, context, browser, baseURL, mailbox }) => {
  await join(page, mailbox, 'traveller')
  await openBoard(page)
  const other = await anotherBrowser(browser, baseURL)
  await join(other, mailbox, 'stayed')
  await openBoard(other)
  await write(page, 'on the platform')
  await expect(postOf(other, 'on the platform')).toHaveCount(1)

  await context.setOffline(true)
  await write(page, 'in the tunnel')
  await write(other, 'where are you?')
  await context.setOffline(false)
  for (const each of [page, other]) {
    for (const text of ['on the platform', 'in the tunnel', 'where are you?']) {
      await expect(postOf(each, text)).toHaveCount(1, { timeout: 30_000 })
      await expect(postOf(each, text).getByRole('time')).toBeVisible({ timeout: 30_000 })
    }
  }
  await other.context().close()
})

test('a post whose answer is lost with the connection is sent again, and stands once', async ({ page, browser, baseURL, mailbox }) => {
  let lost = 0
  await page.routeWebSocket('**/lwsgs/board*', (socket) => {
    const server = socket.connectToServer()
    server.onMessage((message) => {
      // The board has it, and nobody hears of it.
      if (lost === 0 && /"type":"(?:done|post)"/.test(message.toString())) {
        lost++
        void socket.close({ code: 1001 })
        void server.close()
      } else socket.send(message)
    })
  })
  await join(page, mailbox, 'unlucky')
  await openBoard(page)
  await write(page, 'only once')
  const other = await anotherBrowser(browser, baseURL)
  await join(other, mailbox, 'witness')
  await openBoard(other)
  for (const each of [page, other]) {
    await expect(postOf(each, 'only once').getByRole('time')).toBeVisible()
    await expect(postOf(each, 'only once')).toHaveCount(1)
  }
  expect(lost).toBe(1)
  await other.context().close()
})

test('where websockets are not let through one reads and writes all the same', async ({ page, browser, baseURL, mailbox }) => {
  const other = await anotherBrowser(browser, baseURL)
  await join(other, mailbox, 'free')
  await openBoard(other)
  await write(other, 'from outside')
  await expect(postOf(other, 'from outside').getByRole('time')).toBeVisible()
  await page.routeWebSocket('**/lwsgs/board*', (socket) => void socket.close({ code: 1001 }))
  await join(page, mailbox, 'fenced')
  await page.goto('/lwsgs/')
  await expect(postOf(page, 'from outside')).toBeVisible()
  await write(page, 'from inside')
  await expect(postOf(page, 'from inside').getByText('Sent', { exact: true })).toBeVisible()
  await expect(postOf(other, 'from inside')).toHaveCount(1)
  await other.context().close()
})

test('what was written survives the page: a draft, and a text that could not be sent', async ({ page, mailbox }) => {
  await join(page, mailbox, 'closing')
  await openBoard(page)
  await page.route('**/lwsgs/msg', (route) => route.abort())
  await page.routeWebSocket('**/lwsgs/board*', (socket) => void socket.close({ code: 1001 }))
  await page.reload()
  await write(page, 'sent into the void')
  await page.getByLabel('Message', { exact: true }).fill('half a thou')
  await page.unrouteAll()
  // The routes of websockets go with the page only.
  const again = await page.context().newPage()
  const kept = await page.evaluate(() => Object.entries(sessionStorage))
  await again.addInitScript((entries) => entries.forEach(([key, value]) => sessionStorage.setItem(key, value)), kept)
  await page.close()
  await openBoard(again)
  await expect(again.getByLabel('Message', { exact: true })).toHaveValue('half a thou')
  await expect(postOf(again, 'sent into the void').getByRole('time')).toBeVisible()
  await expect(postOf(again, 'sent into the void')).toHaveCount(1)
})

test('a logout takes along what was typed, in every tab', async ({ page, mailbox }) => {
  await join(page, mailbox, 'leaving')
  await openBoard(page)
  const other = await page.context().newPage()
  await openBoard(other)
  for (const each of [page, other]) {
    await each.getByLabel('Message', { exact: true }).fill('not for the next one')
    await expect.poll(() => each.evaluate(() => Object.values(sessionStorage).join())).toContain('not for the next one')
  }
  await page.getByRole('button', { name: 'Log out' }).click()
  for (const each of [page, other]) {
    await expect(each.getByRole('button', { name: 'Log in', exact: true })).toBeVisible()
    await expect.poll(() => each.evaluate(() => Object.values(sessionStorage).join())).not.toContain('not for the next one')
  }
})

test('a refused post says why, and can be sent again, changed or forgotten', async ({ page, mailbox }) => {
  let refuse = true
  await page.routeWebSocket('**/lwsgs/board*', (socket) => {
    const server = socket.connectToServer()
    socket.onMessage((message) => {
      const frame = JSON.parse(message.toString()) as { id: string }
      if (refuse)
        socket.send(JSON.stringify({ type: 'refused', id: frame.id, code: 'BOARD_TOO_MANY_POSTS', message: 'Please wait a minute.' }))
      else server.send(message)
    })
  })
  await join(page, mailbox, 'hurried')
  await openBoard(page)
  const button = (text: string, name: string) => postOf(page, text).getByRole('button', { name })
  for (const text of ['again', 'change me', 'forget me']) {
    await write(page, text)
    await expect(postOf(page, text)).toContainText('Not sent. Please wait a minute.')
  }
  await expect(page.getByRole('status').filter({ hasText: 'Not sent. Please wait a minute.' })).toHaveCount(1)
  await button('forget me', 'Discard').click()
  await expect(postOf(page, 'forget me')).toHaveCount(0)
  const area = page.getByLabel('Message', { exact: true })
  await area.fill('something else')
  await button('change me', 'Edit').click()
  await expect(postOf(page, 'change me')).toHaveCount(0)
  await expect(area).toBeFocused()
  await expect(area).toHaveValue('change me\n\nsomething else')
  refuse = false
  await button('again', 'Try again').click()
  await expect(postOf(page, 'again').getByRole('time')).toBeVisible()
})

test('one deletes one’s own post, after a question, with the keyboard alone', async ({ page, browser, baseURL, mailbox }) => {
  const other = await anotherBrowser(browser, baseURL)
  await join(other, mailbox, 'reader')
  await openBoard(other)
  await join(page, mailbox, 'regretful')
  await openBoard(page)
  for (const text of ['stays below', 'goes away', 'stays above']) await write(page, text)
  await expect(postOf(other, 'stays above')).toHaveCount(1)
  await expect(postOf(other, 'goes away').getByRole('button')).toHaveCount(0)

  const remove = postOf(page, 'goes away').getByRole('button', { name: 'Delete your post: goes away' })
  await remove.focus()
  await page.keyboard.press('Enter')
  const question = page.getByRole('dialog', { name: 'Delete your post?' })
  await expect(question).toHaveAccessibleDescription(/for everybody, at once and for good/)
  await expect(question.getByRole('button', { name: 'Keep it' })).toBeFocused()
  await page.keyboard.press('Escape')
  await expect(question).toHaveCount(0)
  await expect(remove).toBeFocused()
  await expect(postOf(page, 'goes away')).toHaveCount(1)

  await page.keyboard.press('Enter')
  await page.keyboard.press('Tab')
  await expect(question.getByRole('button', { name: 'Delete' })).toBeFocused()
  await page.keyboard.press('Enter')
  for (const each of [page, other]) await expect(postOf(each, 'goes away')).toHaveCount(0)
  await expect(postOf(page, 'stays below')).toBeFocused()
  await page.reload()
  await expect(postOf(page, 'stays above')).toHaveCount(1)
  await expect(postOf(page, 'goes away')).toHaveCount(0)
  await other.context().close()
})

test('a deletion that fails says so, and leaves the post', async ({ page, mailbox }) => {
  await join(page, mailbox, 'failing')
  await openBoard(page)
  await write(page, 'sticky')
  await page.route('**/lwsgs/messages/*', (route) => route.abort())
  await postOf(page, 'sticky').getByRole('button', { name: 'Delete' }).click()
  const question = page.getByRole('dialog')
  await question.getByRole('button', { name: 'Delete' }).click()
  await expect(question.getByRole('alert')).toHaveText('The board could not be reached.')
  await page.unroute('**/lwsgs/messages/*')
  await question.getByRole('button', { name: 'Delete' }).click()
  await expect(postOf(page, 'sticky')).toHaveCount(0)
})

test('the keyboard keeps its place when a post is deleted while the page asks whether to delete it', async ({ page, mailbox }) => {
  await join(page, mailbox, 'hesitant')
  await openBoard(page)
  for (const text of ['lower', 'middle', 'upper']) await write(page, text)
  const remove = postOf(page, 'middle').getByRole('button', { name: 'Delete' })
  await remove.click()
  const idx = (await postOf(page, 'middle').getAttribute('id'))!.replace('post-', '')
  // In another window.
  expect((await page.request.delete(`/lwsgs/messages/${idx}`)).status()).toBe(200)
  await expect(postOf(page, 'middle')).toHaveCount(0)
  await page.keyboard.press('Escape')
  await expect(postOf(page, 'lower')).toBeFocused()
})

test('the keyboard keeps its place when somebody else deletes the post that it is at', async ({ page, mailbox }) => {
  await join(page, mailbox, 'twofold')
  await openBoard(page)
  await write(page, 'under it')
  await write(page, 'where it is')
  await expect(postOf(page, 'where it is').getByRole('time')).toBeVisible()
  const { posts: found } = (await (await page.request.get('/lwsgs/messages')).json()) as { posts: { idx: number; content: string }[] }
  await postOf(page, 'where it is').getByRole('button', { name: 'Delete' }).focus()
  // In another window.
  const { idx } = found.find(({ content }) => content === 'where it is')!
  expect((await page.request.delete(`/lwsgs/messages/${idx}`)).status()).toBe(200)
  await expect(postOf(page, 'where it is')).toHaveCount(0)
  await expect(postOf(page, 'under it')).toBeFocused()
})

test('who becomes a moderator may delete the posts of others at once, and no longer when it is taken away', async ({
  page,
  browser,
  baseURL,
  mailbox
}) => {
  const other = await anotherBrowser(browser, baseURL)
  const author = await join(other, mailbox, 'author')
  await openBoard(other)
  await write(other, 'offensive')
  await write(other, 'harmless')
  const moderator = await join(page, mailbox, 'judge')
  await openBoard(page)
  const remove = postOf(page, 'offensive').getByRole('button', { name: `Delete the post of ${author.username}: offensive` })
  await expect(postOf(page, 'offensive')).toBeVisible()
  await expect(remove).toHaveCount(0)

  const desk = await anotherBrowser(browser, baseURL)
  await joinAsAdmin(desk)
  const found = (await (await desk.request.get(`/lwsgs/admin/accounts?search=${moderator.username}`)).json()) as {
    accounts: { id: string }[]
  }
  const grants = `/admin/accounts/${found.accounts[0]!.id}/grant`
  await call(desk, grants, { sectors: ['moderator'] })
  await remove.click()
  const question = page.getByRole('dialog', { name: 'Delete this post?' })
  await expect(question).toContainText(`It was written by ${author.username}.`)
  await question.getByRole('button', { name: 'Delete' }).click()
  for (const each of [page, other]) {
    await expect(postOf(each, 'offensive')).toHaveCount(0)
    await expect(postOf(each, 'harmless')).toHaveCount(1)
  }
  await expect(postOf(page, 'harmless').getByRole('button')).toHaveCount(1)
  await postOf(page, 'harmless').getByRole('button').click()
  await call(desk, grants, { withdraw: ['moderator'] })
  await expect(postOf(page, 'harmless').locator('button')).toHaveCount(0)
  await question.getByRole('button', { name: 'Delete' }).click()
  await expect(question.getByRole('alert')).toHaveText('This is the post of somebody else.')
  await page.keyboard.press('Escape')
  await expect(postOf(page, 'harmless')).toBeFocused()
  await desk.context().close()
  await other.context().close()
})

test('what somebody has posted goes with the account', async ({ page, browser, baseURL, mailbox }) => {
  const other = await anotherBrowser(browser, baseURL)
  await join(other, mailbox, 'leaver')
  await openBoard(other)
  await write(other, 'I was here')
  await join(page, mailbox, 'remains')
  await openBoard(page)
  await expect(postOf(page, 'I was here')).toHaveCount(1)
  await call(other, '/delete-account', { currentPassword: password })
  await expect(postOf(page, 'I was here')).toHaveCount(0)
  await other.context().close()
})

test('a board that is closed to an account says so, keeps what was typed, and does not knock on', async ({ page, mailbox }) => {
  let knocks = 0
  await join(page, mailbox, 'excluded')
  await page.routeWebSocket('**/lwsgs/board*', (socket) => {
    knocks++
    void socket.close({ code: 4403, reason: 'mask' })
  })
  await page.goto('/lwsgs/')
  const notice = page.getByRole('alert').filter({ hasText: 'The board is closed to you' })
  await expect(notice).toBeVisible()
  expect(knocks).toBe(1)
  await notice.getByRole('button', { name: 'Try again' }).click()
  await expect.poll(() => knocks).toBe(2)
  await expect(notice).toBeVisible()
})
