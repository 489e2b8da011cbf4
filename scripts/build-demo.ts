import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type ChildResult, runChild } from './run-child.ts'
import { root } from './setup/root.mjs'

const app = join(root, 'apps', 'messageboard')
const page = join(app, 'dist', 'index.html')
const stamp = join(app, 'node_modules', '.built-from')

// Everything that ends in the browser. The lockfile stands for the libraries.
const inputs = [
  'apps/messageboard/web/**/*',
  'apps/messageboard/package.json',
  'packages/gs-ui/src/**/*',
  'packages/gs-ui/package.json',
  'packages/fastify-gs/src/api.ts',
  'packages/fastify-gs/src/errors.ts',
  'pnpm-lock.yaml'
]

/** Builds the browser part of the message board with Vite, unless what it was built from has not changed. */
export async function buildDemo({ force = false, announce = false } = {}): Promise<ChildResult> {
  const wanted = fingerprint()
  if (!force && existsSync(page) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return { code: 0, output: '' }
  if (announce) process.stderr.write('Building the pages of the message board …\n')
  rmSync(stamp, { force: true })
  const result = await runChild(['--run', 'build'], { cwd: app })
  if (result.code !== 0) return result
  if (!existsSync(page)) return { code: 1, output: `${result.output}\nThe build did not make apps/messageboard/dist/index.html.\n` }
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, wanted)
  return result
}

function fingerprint(): string {
  const hash = createHash('sha256')
  const files = globSync(inputs, { cwd: root, withFileTypes: true, exclude: (entry) => entry.name === 'node_modules' })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
  for (const file of files.sort())
    hash
      .update(`${file.slice(root.length)}\0`)
      .update(readFileSync(file))
      .update('\0')
  return hash.digest('hex')
}
