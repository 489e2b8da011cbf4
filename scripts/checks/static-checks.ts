import { existsSync, globSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { binOf, runChild } from '../run-child.ts'
import { root } from '../setup/root.mjs'
import { checked, logOf, type Step } from './step.ts'

export const format: Step = {
  name: 'format',
  title: 'format check (oxfmt)',
  run: () => tool('format', [binOf('oxfmt', 'bin/oxfmt'), '--check', '.'], 'Cure: npm run format')
}

export const lint: Step = {
  name: 'lint',
  title: 'lint (oxlint, with types)',
  run: () => tool('lint', [binOf('oxlint', 'bin/oxlint'), '--deny-warnings', '--report-unused-disable-directives', '.'])
}

export const unused: Step = {
  name: 'unused',
  title: 'unused code (knip)',
  run: () => tool('unused', [binOf('knip', 'bin/knip.js'), '--no-progress', '--no-config-hints'])
}

export const types: Step = {
  name: 'types',
  title: 'types (tsc)',
  async run(progress) {
    const notCovered = foldersWithoutTsconfig().map((folder) => `${folder} holds TypeScript and has no tsconfig.json\n`)
    let output = notCovered.join('')
    for (const project of projects()) {
      progress(dirname(project))
      const result = await runChild([binOf('typescript', 'bin/tsc'), '--noEmit', '--pretty', 'false', '-p', project])
      if (result.code !== 0) output += `${project}\n${result.output}`
    }
    return checked(output === '', output)
  }
}

async function tool(name: string, args: readonly string[], cure = '') {
  const { code, output } = await runChild(args, { log: logOf(name) })
  return checked(code === 0, `${output.trimEnd()}\n${cure}`)
}

const exclude = ['**/node_modules', '**/dist']

function projects(): string[] {
  return globSync('{packages,apps,e2e,bench,scripts}/**/tsconfig.json', { cwd: root, exclude }).sort()
}

/** Code that nobody checks would look like code without mistakes. */
function foldersWithoutTsconfig(): string[] {
  const sources = globSync(['{packages,apps}/*/**/*.{ts,tsx}', '{e2e,bench,scripts}/**/*.ts'], { cwd: root, exclude })
  const folders = sources.map((file) => file.split(sep).slice(0, /^(packages|apps)/.test(file) ? 2 : 1))
  return [...new Set(folders.map((parts) => join(...parts)))].filter((folder) => !existsSync(join(root, folder, 'tsconfig.json')))
}
