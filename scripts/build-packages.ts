import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { runChild } from './run-child.ts'
import { root } from './setup/root.mjs'

export interface Built {
  name: string
  code: number
  output: string
}

/** Makes the `dist` of every package that has a build script. They build from each other's source, so the order is free. */
export async function* buildPackages(): AsyncGenerator<Built> {
  for (const manifest of globSync('packages/*/package.json', { cwd: root }).sort()) {
    const { name, scripts } = JSON.parse(readFileSync(join(root, manifest), 'utf8')) as { name: string; scripts?: { build?: string } }
    if (scripts?.build) yield { name, ...(await runChild(['--run', 'build'], { cwd: join(root, dirname(manifest)) })) }
  }
}
