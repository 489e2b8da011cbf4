import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type ChildResult, runChild } from './run-child.ts'
import { root } from './setup/root.mjs'

export interface BrowserBuild {
  /** What is being built, for people. */
  what: string
  /** What `node` runs, in which folder of the workspace. */
  args: readonly string[]
  cwd: string
  /** A file that the build makes. */
  output: string
  /** Everything that it is made from, as patterns. */
  inputs: readonly string[]
  /** File that remembers what it was made from. */
  stamp: string
}

export interface BuildOptions {
  /** Build even if nothing has changed. */
  force?: boolean
  /** Say so before it begins. */
  announce?: boolean
}

/** Builds something for the browser, unless what it was built from has not changed. All paths are relative to the workspace. */
export async function buildIfStale(build: BrowserBuild, { force = false, announce = false }: BuildOptions = {}): Promise<ChildResult> {
  const output = join(root, build.output)
  const stamp = join(root, build.stamp)
  const wanted = fingerprint(build.inputs)
  if (!force && existsSync(output) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return { code: 0, output: '' }
  if (announce) process.stderr.write(`Building ${build.what} …\n`)
  rmSync(stamp, { force: true })
  const result = await runChild(build.args, { cwd: join(root, build.cwd) })
  if (result.code !== 0) return result
  if (!existsSync(output)) return { code: 1, output: `${result.output}\nThe build did not make ${build.output}.\n` }
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, wanted)
  return result
}

function fingerprint(inputs: readonly string[]): string {
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
