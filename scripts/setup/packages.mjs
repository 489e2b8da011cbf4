import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root } from './root.mjs'
import { essenceOf, runQuietly } from './run-quietly.mjs'
import { toolEnvironment } from './tools.mjs'

const stamp = join(root, 'node_modules', '.fastify-gs-installed')

/** @returns {boolean} whether node_modules holds what the lockfile and the manifests say now */
export function packagesInstalled() {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint() && manifests().every(hasModules)
}

// The lockfile in the repository is the decision, hence --trust-lockfile. Asking the registry again about the age of every package, those
// of other platforms too, took up to ten times as long as the installation, and its answer changes from day to day.
const installFlags = [
  'install',
  ...'--frozen-lockfile --trust-lockfile --reporter=append-only --config.confirm-modules-purge=false'.split(' '),
  ...'--config.fetch-retries=3 --config.fetch-retry-mintimeout=1000 --config.fetch-retry-maxtimeout=5000'.split(' ')
]

/** npm's way to name another registry in the environment, which pnpm does not read. */
function registryFlags() {
  const registry = process.env['npm_config_registry']
  return registry ? [`--registry=${registry}`] : []
}

/** Installs the packages of the whole workspace as the lockfile has them. */
export async function installPackages() {
  process.stderr.write('Installing the packages of the workspace …\n')
  const started = Date.now()
  // Read before and written after: what changes meanwhile is installed next time, and an interrupted installation leaves no stamp.
  const wanted = fingerprint()
  rmSync(stamp, { force: true })
  const { node, pnpm, env } = toolEnvironment()
  // NODE_ENV=production would leave out the tools that build and test.
  const { NODE_ENV: _, ...rest } = env
  const { code, output } = await runQuietly(node, [...pnpm, ...installFlags, ...registryFlags()], {
    cwd: root,
    env: { ...rest, CI: 'true' }
  })
  if (code !== 0) {
    process.stderr.write(`${essenceOf(output)}\n`)
    throw new Error(reasonOf(output))
  }
  writeFileSync(stamp, wanted)
  process.stderr.write(`Installed in ${Math.round((Date.now() - started) / 1000)} s.\n`)
}

/** @param {string} output */
function reasonOf(output) {
  if (output.includes('OUTDATED_LOCKFILE'))
    return 'A package.json and pnpm-lock.yaml do not agree: run pnpm install and commit the lockfile.'
  if (output.includes('ENOSPC')) return 'The packages could not be installed because the disk is full: make room and run the command again.'
  return 'The packages could not be installed: see above; if the registry was out of reach, check the network and proxy settings, then run the command again.'
}

function fingerprint() {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}\0`)
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', ...manifests()]) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update('\0')
  }
  return hash.digest('hex')
}

/** @param {string} manifest */
function hasModules(manifest) {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, manifest), 'utf8'))
  return Object.keys({ ...dependencies, ...devDependencies }).length === 0 || existsSync(join(root, dirname(manifest), 'node_modules'))
}

/** @returns {string[]} the manifest of the workspace and those one and two folders below it */
function manifests() {
  const folders = ['', ...foldersIn('')]
  const below = folders.filter(Boolean).flatMap((folder) => foldersIn(folder))
  return [...folders, ...below].map((folder) => join(folder, 'package.json')).filter((file) => existsSync(join(root, file)))
}

/** @param {string} folder */
function foldersIn(folder) {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'node_modules' && !entry.name.startsWith('.'))
    .map((entry) => join(folder, entry.name))
    .sort()
}
