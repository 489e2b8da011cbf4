import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, join } from 'node:path'
import { binOf } from './run-child.ts'
import { root } from './setup/root.mjs'

export interface ChromiumSearch {
  env: NodeJS.ProcessEnv
  /** Whether the program starts and says its version: Ubuntu's `chromium-browser` can be a note that asks for snap. */
  starts: (program: string) => boolean
  /** Installs a package of Debian, if this machine is one where that can be done. */
  installPackage: ((name: string) => void) | null
  /** Lets Playwright fetch its build; answers the program, or null. */
  installBuild: () => string | null
  say: (message: string) => void
}

/** The same engine without windows, which Playwright fetches for itself too: with it the tests take little more than half the time. */
const light = 'chromium-headless-shell'
const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const cure = 'Install Chromium or Chrome, or set PLAYWRIGHT_CHROMIUM to the program.'

/** The Chromium for the browser tests; installs one when there is none. Throws one sentence with the cure. */
export function findChromium(search: ChromiumSearch = thisMachine): string {
  const { env, starts, installPackage, installBuild, say } = search
  const chosen = env['PLAYWRIGHT_CHROMIUM']
  if (chosen) {
    if (starts(chosen)) return chosen
    throw new Error(`PLAYWRIGHT_CHROMIUM is ${chosen}, which does not start: correct it, or leave it out.`)
  }
  const find = (wanted: readonly string[]) => wanted.flatMap((name) => programsOnPath(name, env['PATH'])).find(starts)
  const install = (name: string, wanted: readonly string[]) => {
    if (installPackage === null) return undefined
    say(`Installing ${name} with apt-get, which takes a minute or two …`)
    installPackage(name)
    return find(wanted)
  }
  const present = find([light]) ?? install(light, [light]) ?? find(names) ?? install('chromium', names)
  if (present) return present

  say('No Chromium found: fetching one with Playwright, which takes a minute or two …')
  const fetched = installBuild()
  if (fetched && starts(fetched)) return fetched
  throw new Error(`The browser tests need Chromium, and none could be found or installed. ${cure}`)
}

function programsOnPath(name: string, path = ''): string[] {
  return path
    .split(delimiter)
    .filter(Boolean)
    .map((folder) => join(folder, name))
    .filter((program) => {
      try {
        accessSync(program, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

const thisMachine: ChromiumSearch = {
  env: process.env,
  starts: (program) => spawnSync(program, ['--version'], { stdio: 'ignore', timeout: 20_000 }).status === 0,
  installPackage: process.getuid?.() === 0 && isDebian() ? installWithApt : null,
  installBuild: installWithPlaywright,
  say: (message) => process.stderr.write(`${message}\n`)
}

function isDebian(): boolean {
  if (!existsSync('/etc/os-release') || !existsSync('/usr/bin/apt-get')) return false
  return /^ID(_LIKE)?=.*(debian|ubuntu)/m.test(readFileSync('/etc/os-release', 'utf8'))
}

function installWithApt(name: string): void {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', name]]) {
    const { status, stdout, stderr } = spawnSync('apt-get', args, {
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      // Where there is no way to the packages; something else may still be found.
      timeout: 180_000
    })
    if (status === 0) continue
    process.stderr.write(`apt-get ${args.join(' ')} failed:\n${stdout}${stderr}`)
    return
  }
}

function installWithPlaywright(): string | null {
  const cli = binOf('@playwright/test', 'cli.js', 'e2e')
  spawnSync(process.execPath, [cli, 'install', 'chromium'], { stdio: ['ignore', 2, 2] })
  const { chromium } = createRequire(join(root, 'e2e', 'package.json'))('@playwright/test') as {
    chromium: { executablePath: () => string }
  }
  const program = chromium.executablePath()
  return existsSync(program) ? program : null
}
