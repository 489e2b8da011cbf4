import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { startPostgres } from '../../packages/fastify-gs/src/testing/postgres-server.ts'
import { buildWidget } from '../build-widget.ts'
import { runChild } from '../run-child.ts'
import { root } from '../setup/root.mjs'
import type { Counts } from './count-reporter.ts'
import { logOf, type Outcome, type Step } from './step.ts'

const checks = import.meta.dirname
const pattern = '{packages,apps,scripts}/**/*.test.ts'

export const unit: Step = {
  name: 'unit',
  title: 'unit tests (node:test)',
  takesFilters: true,
  async run(progress, filters) {
    const all = globSync(pattern, { cwd: root, exclude: ['**/node_modules', '**/dist'] }).sort()
    const files = all.filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
    if (files.length === 0) return { passed: 0, failed: 1, output: `No file is ${[pattern, ...filters].join(' with ')}` }
    // The tests of `gs serve` serve it.
    const widget = await buildWidget()
    if (widget.code !== 0) return { passed: 0, failed: 1, output: widget.output }
    // One for all of them: to make one takes seconds, and dozens of files want it. A name of its own, because programs under test obey DATABASE_URL.
    const wanted = process.env['DATABASE_URL'] === undefined && files.length > 1
    const server = wanted ? await startPostgres() : null
    try {
      return await runUnitTests(files, { progress, ...(server !== null && { env: { GS_TEST_POSTGRES: server.url } }) })
    } finally {
      await server?.stop()
    }
  }
}

interface RunOptions {
  readonly progress?: (text: string) => void
  readonly report?: string
  readonly cwd?: string
  /** Added to the environment. */
  readonly env?: NodeJS.ProcessEnv
}

/** Runs test files with `node --test`. A run that does not come to its end, or ends badly without saying why, has failed. */
export async function runUnitTests(
  files: readonly string[],
  { progress, report = logOf('unit'), cwd = root, env = {} }: RunOptions = {}
): Promise<Outcome> {
  mkdirSync(dirname(report), { recursive: true })
  writeFileSync(report, '')
  let counts: Counts = { passed: 0, failed: 0, skipped: 0, todo: 0, empty: [], complete: false }
  const { code, output } = await runChild(
    [
      '--test',
      // Many wait for a program or a clock a good part of their time.
      `--test-concurrency=${availableParallelism() + 1}`,
      // A test that waits for what never comes is named, before its file is given up.
      '--test-timeout=60000',
      `--import=${pathToFileURL(join(checks, 'end-hanging-file.ts')).href}`,
      `--test-reporter=${join(checks, 'count-reporter.ts')}`,
      '--test-reporter-destination=stdout',
      '--test-reporter=spec',
      `--test-reporter-destination=${report}`,
      ...files
    ],
    {
      cwd,
      // Hundreds of processes begin with the same sources: this takes a fifth of their time away.
      env: { NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'compiled'), ...env },
      onLine(line) {
        if (!line.startsWith('{"passed":')) return
        counts = JSON.parse(line) as Counts
        progress?.(`${counts.passed} passed${counts.failed > 0 ? `, ${counts.failed} failed` : ''}`)
      }
    }
  )
  const unexplained = !counts.complete || (code !== 0 && counts.failed + counts.empty.length === 0)
  const failed = counts.failed + counts.empty.length + (unexplained ? 1 : 0)
  const notes = [counts.skipped > 0 && `${counts.skipped} skipped`, counts.todo > 0 && `${counts.todo} to do`].filter(Boolean)
  const outcome: Outcome = { passed: counts.passed, failed, note: notes.join(', ') }
  if (failed === 0) return outcome
  const said = output.split('\n').filter((line) => !line.startsWith('{"passed":'))
  const remarks = [...counts.empty.map((file) => `${file} holds no test`), unexplained && `node --test ended with code ${code}`]
  return { ...outcome, output: [failuresIn(readFileSync(report, 'utf8')), ...said, ...remarks].filter(Boolean).join('\n') }
}

/** The report without the lines of what passed. */
function failuresIn(report: string): string {
  return report
    .split('\n')
    .filter((line) => !/^\s*[✔▶﹣] /u.test(line))
    .join('\n')
}
