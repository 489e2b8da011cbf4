import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, type Browser, type Locator, type Page } from '@playwright/test'
import { test as base } from './people.ts'

/** A post of a board that is older than the test. */
interface OldPost {
  /** Seconds since 1970. */
  readonly time: number
  readonly username: string
  readonly content: string
}

/** A board with a process and posts of its own, which can be killed and started again. */
export interface OwnBoard {
  readonly origin: string
  readonly start: () => Promise<void>
  /** Ends the process; nothing is said to anybody unless it is asked with SIGTERM. */
  readonly stop: (signal: 'SIGKILL' | 'SIGTERM') => Promise<void>
}

/** The file of a board as its first version wrote it. */
function writeOldPosts(path: string, posts: readonly OldPost[]): void {
  const file = new DatabaseSync(path)
  file.exec(`create table message (
    idx integer primary key autoincrement, time integer not null, username text not null, content text not null) strict;
    pragma application_id = 0x67734d42; pragma user_version = 1; begin`)
  const insert = file.prepare('insert into message (time, username, content) values (?, ?, ?)')
  for (const { time, username, content } of posts) insert.run(time, username, content)
  file.exec('commit')
  file.close()
}

/** Tests of which each worker has a board of its own as `baseURL`. `oldPosts`: what is on it from the beginning. */
export const test = base.extend<object, { board: OwnBoard; oldPosts: readonly OldPost[] }>({
  oldPosts: [[], { scope: 'worker', option: true }],
  board: [
    async ({ oldPosts }, use, { workerIndex }) => {
      const directory = mkdtempSync(join(tmpdir(), 'gs-e2e-board-'))
      const data = join(directory, 'data')
      mkdirSync(data, { mode: 0o700 })
      if (oldPosts.length > 0) writeOldPosts(join(data, 'messageboard.sqlite3'), oldPosts)
      const port = Number(process.env['E2E_PORT'] ?? 7697) + 300 + workerIndex
      let child: ChildProcess | undefined

      const start = async () => {
        const env = {
          ...process.env,
          PORT: String(port),
          GS_DATA_DIR: data,
          GS_ADMIN_PASSWORD: 'the password of the admin',
          TRUST_PROXY: '127.0.0.1'
        }
        const started = spawn(process.execPath, [join(import.meta.dirname, '../../apps/messageboard/src/server.ts')], {
          env,
          stdio: ['ignore', 'pipe', 'pipe']
        })
        child = started
        let said = ''
        started.stderr.on('data', (text: Buffer) => (said += text.toString()))
        let told = ''
        await new Promise<void>((resolve, reject) => {
          started.stdout.on('data', (text: Buffer) => {
            told += text.toString()
            if (/^ {2}Data /m.test(told)) resolve()
          })
          started.once('close', () => reject(new Error(`The board has ended: ${said}`)))
        })
      }
      const stop = async (signal: 'SIGKILL' | 'SIGTERM') => {
        if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
        const ended = once(child, 'exit')
        child.kill(signal)
        await ended
      }

      await start()
      await use({ origin: `http://localhost:${port}`, start, stop })
      await stop('SIGTERM')
      rmSync(directory, { recursive: true, force: true })
    },
    { scope: 'worker' }
  ],
  baseURL: ({ board }, use) => use(board.origin)
})

let others = 0

/** The browser of somebody else, at an address of his own. Whoever opens it closes it. */
export async function anotherBrowser(browser: Browser, baseURL: string | undefined): Promise<Page> {
  others++
  const address = `10.200.${process.pid & 255}.${1 + (others % 250)}`
  const context = await browser.newContext({ baseURL: baseURL!, locale: 'en-GB', extraHTTPHeaders: { 'x-forwarded-for': address } })
  return context.newPage()
}

/** The posts of a page, newest first. */
export const posts = (page: Page): Locator => page.locator('.message')

/** Those with this text, and nothing else. */
export function postOf(page: Page, text: string): Locator {
  const exact = text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  return posts(page).filter({ has: page.locator('.content', { hasText: new RegExp(`^${exact}$`) }) })
}

export async function openBoard(page: Page): Promise<void> {
  await page.goto('/lwsgs/')
  await expect(page.locator('[data-connection="live"]')).toBeVisible()
}

/** Writes a post, and does not wait for what becomes of it. */
export async function write(page: Page, text: string): Promise<void> {
  const area = page.getByLabel('Message', { exact: true })
  await area.fill(text)
  await page.getByRole('button', { name: 'Send' }).click()
  await expect(area).toHaveValue('')
}
