import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from '@playwright/test'

const port = Number(process.env['E2E_PORT'] ?? 7697)
// Playwright reads this file again in each worker: the first reading decides.
const dataDirectory = (process.env['E2E_DATA_DIR'] ??= mkdtempSync(join(tmpdir(), 'gs-e2e-')))
const chromium = process.env['PLAYWRIGHT_CHROMIUM']

export default defineConfig({
  testDir: '.',
  outputDir: '../artifacts/e2e',
  forbidOnly: process.env['CI'] !== undefined,
  // On a build server that is busy elsewhere; what passes only when repeated is named in the summary.
  retries: process.env['CI'] === undefined ? 0 : 1,
  workers: 2,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  globalTeardown: './helpers/remove-data.ts',
  use: {
    baseURL: `http://localhost:${port}`,
    locale: 'en-GB',
    // To record each test takes longer than many of them.
    trace: process.env['CI'] === undefined ? 'retain-on-failure' : 'on-first-retry',
    screenshot: 'only-on-failure',
    launchOptions: {
      ...(chromium !== undefined && { executablePath: chromium }),
      args: [
        // Chromium's own sandbox does not work for root.
        ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
        '--disable-gpu',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync'
      ]
    }
  },
  projects: [{ name: 'chromium' }],
  // The demo as its users start it. The tests are its proxy, so that each visitor can come from an address of his own.
  webServer: {
    command: 'npm start',
    cwd: '..',
    url: `http://localhost:${port}/healthz`,
    timeout: 120_000,
    stdout: 'ignore',
    stderr: 'pipe',
    gracefulShutdown: { signal: 'SIGTERM', timeout: 15_000 },
    env: { PORT: String(port), GS_DATA_DIR: dataDirectory, GS_ADMIN_PASSWORD: 'the password of the admin', TRUST_PROXY: '127.0.0.1' }
  }
})
