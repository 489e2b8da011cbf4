import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { type ChromiumSearch, findChromium } from './find-chromium.ts'

test('takes the program that is named, and no other', (t) => {
  const machine = emptyMachine(t)
  const named = machine.add('my browser')
  machine.add('chromium')
  machine.search.env['PLAYWRIGHT_CHROMIUM'] = named
  assert.equal(findChromium(machine.search), named)
})

test('refuses a named program that does not start, instead of taking another', (t) => {
  const machine = emptyMachine(t)
  machine.add('chromium')
  machine.search.env['PLAYWRIGHT_CHROMIUM'] = join(machine.folder, 'missing')
  assert.throws(() => findChromium(machine.search), /PLAYWRIGHT_CHROMIUM is .*missing/)
})

test('finds Chromium before Chrome on the PATH, and skips what does not start', (t) => {
  const machine = emptyMachine(t)
  const chrome = machine.add('google-chrome')
  const stub = machine.add('chromium-browser')
  machine.broken.add(stub)
  assert.equal(findChromium(machine.search), chrome)
  const chromium = machine.add('chromium')
  assert.equal(findChromium(machine.search), chromium)
})

test('does not take a file that cannot be run', (t) => {
  const machine = emptyMachine(t)
  chmodSync(machine.add('chromium'), 0o644)
  const chrome = machine.add('google-chrome')
  assert.equal(findChromium(machine.search), chrome)
})

test('takes the one without windows before all others, and installs it where that can be done', (t) => {
  const machine = emptyMachine(t)
  const chromium = machine.add('chromium')
  const asked: string[] = []
  machine.search.installPackage = (name) => void asked.push(name)
  assert.equal(findChromium(machine.search), chromium)
  assert.deepEqual(asked.splice(0), ['chromium-headless-shell'])
  const light = machine.add('chromium-headless-shell')
  assert.equal(findChromium(machine.search), light)
  assert.deepEqual(asked, [])
})

test('says that it installs, and takes what was installed', (t) => {
  for (const missing of ['', 'chromium-headless-shell']) {
    const machine = emptyMachine(t)
    machine.search.installPackage = (name) => void (name !== missing && machine.add(name))
    assert.equal(findChromium(machine.search), join(machine.folder, missing === '' ? 'chromium-headless-shell' : 'chromium'))
    assert.match(machine.said.join(), /apt-get/)
  }
})

test('lets Playwright fetch one when nothing can be installed', (t) => {
  const machine = emptyMachine(t)
  machine.search.installBuild = () => machine.add('playwright-build')
  assert.equal(findChromium(machine.search), join(machine.folder, 'playwright-build'))
})

test('names the cure when all fails', (t) => {
  const { search } = emptyMachine(t)
  assert.throws(() => findChromium(search), /Install Chromium or Chrome, or set PLAYWRIGHT_CHROMIUM/)
})

function emptyMachine(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'find-chromium-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const broken = new Set<string>()
  const said: string[] = []
  const present = new Set<string>()
  const search: ChromiumSearch = {
    env: { PATH: ['/no/such/folder', folder].join(delimiter) },
    starts: (program) => present.has(program) && !broken.has(program),
    installPackage: null,
    installBuild: () => null,
    say: (message) => said.push(message)
  }
  const add = (name: string) => {
    const program = join(folder, name)
    writeFileSync(program, '', { mode: 0o755 })
    present.add(program)
    return program
  }
  return { folder, search, add, broken, said }
}
