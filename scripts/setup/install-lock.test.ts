import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { withInstallLock } from './install-lock.mjs'

test('gives way again after the work, also when the work fails', async (t) => {
  const folder = temporaryFolder(t)
  await assert.rejects(
    withInstallLock(() => Promise.reject(new Error('no network')), folder),
    /no network/
  )
  assert.equal(await withInstallLock(() => Promise.resolve('installed'), folder), 'installed')
  assert.equal(existsSync(join(folder, 'install.lock')), false)
})

test('takes over what a killed command left behind', async (t) => {
  const folder = temporaryFolder(t)
  const { pid } = spawnSync(process.execPath, ['--version'])
  writeFileSync(join(folder, 'install.lock'), String(pid))
  assert.equal(await withInstallLock(() => Promise.resolve('installed'), folder), 'installed')
})

test('waits for a command that lives', async (t) => {
  const folder = temporaryFolder(t)
  const lock = join(folder, 'install.lock')
  writeFileSync(lock, String(process.ppid))
  let released = false
  t.mock.method(process.stderr, 'write', (message: string) => {
    assert.match(message, new RegExp(`process ${process.ppid}`))
    released = true
    rmSync(lock)
    return true
  })
  assert.equal(await withInstallLock(() => Promise.resolve(released), folder), true)
})

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'install-lock-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}
