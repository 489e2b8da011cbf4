import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test as base } from '@playwright/test'

interface Site {
  readonly origin: string
  /** Paths that the browser was refused by its own rules, and errors of scripts. */
  readonly complaints: string[]
}

const pages = {
  'old/index.html': `<!doctype html><html><head><link rel="icon" href="data:,"><script src="lwsgs.js"></script></head>
<body onload="lwsgs_initial()"><p id="who"></p><div id=lwsgs style="text-align:right"></div><script src="who.js"></script></body></html>`,
  'old/who.js': 'document.getElementById("who").textContent = lwsgs_user === "" ? "nobody" : lwsgs_user + " " + lwsgs_auth\n',
  'members/index.html': '<!doctype html><title>Members</title><link rel="icon" href="data:,"><h1>For members</h1>'
}

/** A site that is nothing but a configuration file, with the admin `boss`. */
const test = base.extend<{ site: Site }>({
  site: async ({ page }, use, { workerIndex }) => {
    const directory = mkdtempSync(join(tmpdir(), 'gs-e2e-site-'))
    for (const [path, text] of Object.entries(pages)) {
      mkdirSync(dirname(join(directory, path)), { recursive: true })
      writeFileSync(join(directory, path), text)
    }
    const port = Number(process.env['E2E_PORT'] ?? 7697) + 100 + workerIndex
    const origin = `http://localhost:${port}`
    const callback = { origin: 'callback://app', interpret: { '.js': 'app' } }
    const mount = (mountpoint: string, folder: string, mask: string) =>
      `{ "mountpoint": "${mountpoint}", "origin": "file://${directory}/${folder}", ${JSON.stringify(callback).slice(1, -1)}, "auth-mask": "${mask}" }`
    writeFileSync(
      join(directory, 'site.json'),
      `{ "vhosts": [ { "name": "localhost", "port": "${port}", "interface": "localhost",
        "mounts": [ ${mount('/lwsgs/old', 'old', '0')}, ${mount('/members', 'members', '3')} ],
        "ws-protocols": [ { "app": {}, "protocol-generic-sessions": {
          "session-db": "${directory}/lws.sqlite3", "email-from": "noreply@site.test", "email-confirm-url-base": "${origin}/lwsgs",
          "admin-user": "boss", "admin-password-sha1": "${await sha1('the word of the boss')}" } } ] } ] }`
    )
    const child = spawn(process.execPath, [
      join(import.meta.dirname, '../packages/gs-cli/src/main.ts'),
      'serve',
      join(directory, 'site.json')
    ])
    const ended = new Promise((resolve) => child.once('close', resolve))
    let said = ''
    child.stderr.on('data', (text: Buffer) => (said += text.toString()))
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        if ((JSON.parse(line) as { msg: string }).msg === 'serving') resolve()
      })
      child.once('close', () => reject(new Error(`gs serve has ended: ${said}`)))
    })
    const complaints: string[] = []
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(error.message))
    await use({ origin, complaints })
    child.kill('SIGTERM')
    await ended
    rmSync(directory, { recursive: true, force: true })
  }
})

async function sha1(text: string): Promise<string> {
  return Buffer.from(await crypto.subtle.digest('SHA-1', Buffer.from(text))).toString('hex')
}

test('a configuration file alone makes a site with a login that leads to the protected part', async ({ page, site }) => {
  await page.goto(`${site.origin}/members/`)
  await expect(page).toHaveURL(`${site.origin}/lwsgs/?next=%2Fmembers%2F`)
  await page.getByLabel('User name').fill('boss')
  await page.getByLabel('Password', { exact: true }).fill('the word of the boss')
  await page.getByRole('button', { name: 'Log in', exact: true }).click()
  await expect(page.getByRole('heading', { name: 'For members' })).toBeVisible()
  await page.goto(`${site.origin}/lwsgs/`)
  await page.getByRole('button', { name: 'Log out' }).click()
  await expect(page.getByLabel('User name')).toBeVisible()
  await page.goto(`${site.origin}/members/`)
  await expect(page).toHaveURL(/next=/)
  expect(site.complaints).toEqual([])
})

test('a page of lwsgs has the widget and the values of the session, wherever it lies', async ({ page, site }) => {
  await page.goto(`${site.origin}/lwsgs/old/`)
  await expect(page.locator('#who')).toHaveText('nobody')
  await page.getByLabel('User name').fill('boss')
  await page.getByLabel('Password', { exact: true }).fill('the word of the boss')
  await page.getByRole('button', { name: 'Log in', exact: true }).click()
  await expect(page.getByRole('button', { name: 'Log out' })).toBeVisible()
  expect(await page.evaluate('[lwsgs_user, lwsgs_auth, document.querySelectorAll(".gs-widget").length]')).toEqual(['boss', '7', 1])
  await page.reload()
  await expect(page.locator('#who')).toHaveText('boss 7')
  await expect(page.getByRole('button', { name: 'Log out' })).toBeVisible()
  expect(site.complaints).toEqual([])
})

test.describe('without scripts', () => {
  test.use({ javaScriptEnabled: false })

  test('the start page leads to forms that work', async ({ page, site }) => {
    await page.goto(`${site.origin}/lwsgs/`)
    await page.getByRole('link', { name: 'Log in' }).click()
    const form = page.locator('form').first()
    await form.locator('[name=username]').fill('boss')
    await form.locator('[name=password]').fill('the word of the boss')
    await form.getByRole('button').first().click()
    await page.goto(`${site.origin}/members/`)
    await expect(page.getByRole('heading', { name: 'For members' })).toBeVisible()
    await page.goto(`${site.origin}/lwsgs/`)
    await page.getByRole('link', { name: 'Your account' }).click()
    await page.getByRole('button', { name: 'Log out' }).click()
    await page.goto(`${site.origin}/members/`)
    await expect(page).toHaveURL(/next=/)
  })
})
