// `npm test` runs all steps, `npm test -- lint unit` some, `npm test -- unit login` the unit tests whose file name has "login" in it.
import { availableParallelism, constants } from 'node:os'
import { e2e } from '../checks/browser-tests.ts'
import { build } from '../checks/builds.ts'
import { closingLine, type Finished, Progress, showSummary } from '../checks/show.ts'
import { format, lint, types, unused } from '../checks/static-checks.ts'
import type { Step } from '../checks/step.ts'
import { unit } from '../checks/unit-tests.ts'
import { stopChildren } from '../run-child.ts'

// The steps of a stage run side by side. Tests with real sockets and clocks get the machine for themselves.
const stages: Step[][] = [[format, lint, types, unused], [unit], [build], [e2e]]

const started = performance.now()
const finished: Finished[] = []
let interrupted: NodeJS.Signals | undefined

try {
  const { chosen, filters } = choose(process.argv.slice(2))
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt)
  const progress = new Progress()
  for (const stage of stages) {
    const steps = stage.filter((step) => chosen.has(step))
    await runStage(steps, filters, progress)
  }
  progress.end()
  showSummary(finished, started)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

// What was broken off did not pass, even if everything before it did.
const failures = finished.some(({ outcome }) => outcome.failed > 0)
const brokenOff = interrupted !== undefined || process.exitCode !== undefined
if (failures) process.exitCode = 1
if (interrupted) process.exitCode = 128 + constants.signals[interrupted]
console.log(closingLine(finished, brokenOff && !failures ? 1 : 0))

async function runStage(steps: readonly Step[], filters: readonly string[], progress: Progress): Promise<void> {
  const waiting = [...steps]
  const worker = async () => {
    for (let step = waiting.shift(); step; step = waiting.shift()) await runStep(step, filters, progress)
  }
  await Promise.all(Array.from({ length: availableParallelism() }, worker))
}

async function runStep(step: Step, filters: readonly string[], progress: Progress): Promise<void> {
  if (interrupted) return
  progress.start(step)
  const begun = performance.now()
  const outcome = await step
    .run((text) => progress.note(step, text), filters)
    .catch((error: unknown) => ({ passed: 0, failed: 1, output: error instanceof Error ? error.message : String(error) }))
  const result = { step, outcome, milliseconds: performance.now() - begun }
  finished.push(result)
  progress.finish(result)
}

function interrupt(signal: NodeJS.Signals): void {
  interrupted ??= signal
  stopChildren(`Stopped by ${signal}.`)
}

function choose(words: readonly string[]): { chosen: Set<Step>; filters: string[] } {
  const steps = stages.flat()
  const chosen = steps.filter(({ name }) => words.includes(name))
  const filters = words.filter((word) => !steps.some(({ name }) => name === word))
  if (filters.length > 0 && !chosen.some(({ takesFilters }) => takesFilters)) {
    throw new Error(`There is no step "${filters.join(' ')}": npm test -- ${steps.map(({ name }) => name).join(' | ')}`)
  }
  return { chosen: new Set(chosen.length > 0 ? chosen : steps), filters }
}
