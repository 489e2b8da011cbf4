// `node scripts/run.mjs <task> [arguments]`, the first thing behind every npm script of this workspace.
// Runs on any Node from 18 on and needs nothing but npm: it makes sure that Node 24, pnpm and the packages are there, then
// starts the task under that Node.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { handOver } from './setup/hand-over.mjs'
import { withInstallLock } from './setup/install-lock.mjs'
import { installPackages, packagesInstalled } from './setup/packages.mjs'
import { root } from './setup/root.mjs'
import { getTools, toolEnvironment, toolsPresent } from './setup/tools.mjs'

const tasks = join(root, 'scripts', 'tasks')
const [task = '', ...args] = process.argv.slice(2)

try {
  const script = join(tasks, `${task}.ts`)
  if (!/^[a-z-]+$/.test(task) || !existsSync(script)) {
    const names = readdirSync(tasks).map((file) => file.replace(/\.ts$/, ''))
    throw new Error(`${task ? `There is no task "${task}"` : 'Say which task to run'}: node scripts/run.mjs ${names.join(' | ')}`)
  }
  if (!toolsPresent() || !packagesInstalled()) {
    await withInstallLock(async () => {
      await getTools()
      if (!packagesInstalled()) await installPackages()
    })
  }
  const { node, env } = toolEnvironment()
  handOver(node, [script, ...args], env)
} catch (error) {
  const message = error instanceof Error ? error.message : String(error)
  const cure = /^(EACCES|EROFS|EPERM)/.test(message) ? ': Node, pnpm and the packages are kept in this folder, which must be writable.' : ''
  process.stderr.write(`${message}${cure}\n`)
  // Whoever reads only the last line of a test run must see that it did not pass.
  if (task === 'test') process.stdout.write('0 passed, 1 failed\n')
  process.exitCode = 1
}
