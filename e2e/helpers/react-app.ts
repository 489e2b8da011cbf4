import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Page } from '@playwright/test'
import { newName, password } from './visitor.ts'

export interface ReactApp {
  readonly origin: string
  readonly stop: () => Promise<void>
}

/** Builds and starts the application of e2e/react with this version of React. */
export async function startReactApp(version: '18' | '19', port: number): Promise<ReactApp> {
  const directory = mkdtempSync(join(tmpdir(), 'gs-e2e-react-'))
  const child = spawn(process.execPath, [join(import.meta.dirname, '../react/server.ts'), version, String(port), directory])
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  let said = ''
  child.stderr.on('data', (text: Buffer) => (said += text.toString()))
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line === 'serving') resolve()
    })
    child.once('close', () => reject(new Error(`The application with React ${version} has ended: ${said}`)))
  })
  return {
    origin: `http://localhost:${port}`,
    stop: async () => {
      child.kill('SIGTERM')
      await ended
      rmSync(directory, { recursive: true, force: true })
    }
  }
}

/** Makes an account and logs in with it, past the pages. */
export async function enter(page: Page, { origin }: ReactApp, base: string): Promise<string> {
  const { username, email } = newName(base)
  const headers = { origin }
  await page.request.post(`${origin}/lwsgs/register`, { headers, data: { username, email, password } })
  const answer = await page.request.post(`${origin}/lwsgs/login`, { headers, data: { username, password } })
  if (!answer.ok()) throw new Error(await answer.text())
  return username
}
