// `npm run bench -- <name>` runs bench/<name>.ts; without a name it lists what there is.
import { existsSync, globSync } from 'node:fs'
import { basename, join } from 'node:path'
import { handOver } from '../setup/hand-over.mjs'
import { root } from '../setup/root.mjs'

const [name, ...args] = process.argv.slice(2)
const file = join('bench', `${name}.ts`)

if (name && /^[\w-]+$/.test(name) && existsSync(join(root, file))) {
  handOver(process.execPath, [file, ...args], process.env)
} else {
  const names = globSync('bench/*.ts', { cwd: root }).map((path) => basename(path, '.ts'))
  if (name) console.error(`There is no benchmark "${name}".`)
  console.log(['npm run bench -- <name>', ...names.sort().map((each) => `  ${each}`)].join('\n'))
  process.exitCode = name ? 1 : 0
}
