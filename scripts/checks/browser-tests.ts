import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { buildDemo } from '../build-demo.ts'
import { buildPlusOne } from '../build-plus-one.ts'
import { buildWidget } from '../build-widget.ts'
import { findChromium } from '../find-chromium.ts'
import { binOf, runChild } from '../run-child.ts'
import { root } from '../setup/root.mjs'
import { checked, logOf, type Outcome, type Step } from './step.ts'

export const e2e: Step = {
  name: 'e2e',
  title: 'browser tests (Playwright)',
  takesFilters: true,
  async run(progress, filters) {
    progress('building the demo')
    const demo = await buildDemo()
    if (demo.code !== 0) return checked(false, `Without its pages the demo cannot be tested.\n${demo.output}`)
    const widget = await buildWidget()
    if (widget.code !== 0) return checked(false, `Without the widget sites without code cannot be tested.\n${widget.output}`)
    const plusOne = await buildPlusOne()
    if (plusOne.code !== 0) return checked(false, `Without its page plus-one cannot be tested.\n${plusOne.output}`)
    progress('looking for Chromium')
    const chromium = findChromium()
    progress('starting')
    return runBrowserTests(filters, chromium, progress)
  }
}

/** The parts of Playwright's JSON report that count. */
interface Report {
  stats: { expected: number; unexpected: number; flaky: number; skipped: number }
  errors: { message?: string }[]
}

async function runBrowserTests(filters: readonly string[], chromium: string, progress: (text: string) => void): Promise<Outcome> {
  const file = join(dirname(logOf('e2e')), 'e2e.json')
  mkdirSync(dirname(file), { recursive: true })
  rmSync(file, { force: true })
  const { code, output } = await runChild([binOf('@playwright/test', 'cli.js', 'e2e'), 'test', '--reporter=list,json', ...filters], {
    cwd: join(root, 'e2e'),
    env: { PLAYWRIGHT_CHROMIUM: chromium, PLAYWRIGHT_JSON_OUTPUT_FILE: file },
    log: logOf('e2e'),
    onLine: (line) => {
      if (line.includes('.spec.ts')) progress(line.trim())
    }
  })
  return countReport(existsSync(file) ? readFileSync(file, 'utf8') : '', code, output)
}

/** Counts Playwright's JSON report. No report, errors outside of tests, or a bad end that nothing explains: one failure more. */
export function countReport(report: string, code: number, output: string): Outcome {
  const parsed = report ? (JSON.parse(report) as Report) : null
  const { expected = 0, unexpected = 0, flaky = 0, skipped = 0 } = parsed?.stats ?? {}
  const errors = parsed?.errors ?? []
  const passed = expected + flaky
  const unexplained = !parsed || errors.length > 0 || (code !== 0 && unexpected === 0) || passed + unexpected === 0
  const failed = unexpected + (unexplained ? 1 : 0)
  const note = [flaky > 0 && `${flaky} passed only when repeated`, skipped > 0 && `${skipped} skipped`].filter(Boolean).join(', ')
  if (failed === 0) return { passed, failed, note }
  const unsaid = errors.map(({ message = '' }) => message).filter((message) => !output.includes(message))
  return { passed, failed, note, output: [output, ...unsaid].join('\n') }
}
