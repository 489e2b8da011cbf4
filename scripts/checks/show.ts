import { styleText } from 'node:util'
import type { Outcome, Step } from './step.ts'

export interface Finished {
  step: Step
  outcome: Outcome
  milliseconds: number
}

/** Tells what runs: on a terminal in one line that changes, elsewhere a line when a step begins and now and then while it lasts. */
export class Progress {
  readonly #terminal = process.stdout.isTTY
  readonly #running = new Map<Step, { started: number; text: string }>()
  readonly #timer: NodeJS.Timeout

  constructor() {
    this.#timer = setInterval(() => this.#tick(), this.#terminal ? 250 : 30_000)
  }

  start(step: Step): void {
    this.#running.set(step, { started: performance.now(), text: '' })
    if (!this.#terminal) console.log(`  ${step.title} …`)
  }

  note(step: Step, text: string): void {
    const state = this.#running.get(step)
    if (state) state.text = text
  }

  finish({ step, outcome, milliseconds }: Finished): void {
    this.#running.delete(step)
    this.#clear()
    console.log(`${mark(outcome)} ${step.title}  ${seconds(milliseconds)}  ${counts(step, outcome)}`.trimEnd())
    if (outcome.failed > 0) console.log(`\n${(outcome.output ?? '').trim()}\n`)
  }

  end(): void {
    clearInterval(this.#timer)
    this.#clear()
  }

  #tick(): void {
    const lines = [...this.#running].map(([step, { started, text }]) => {
      const time = seconds(performance.now() - started)
      return `  ${step.title} … ${time}${text && `  ${text}`}`
    })
    if (lines.length === 0) return
    if (this.#terminal) {
      this.#clear()
      process.stdout.write(lines.join(' |').slice(0, (process.stdout.columns || 80) - 1))
    } else console.log(lines.join('\n'))
  }

  #clear(): void {
    if (this.#terminal) process.stdout.write('\r\u001B[K')
  }
}

/** The table at the end. */
export function showSummary(finished: readonly Finished[], started: number): void {
  const width = Math.max(...finished.map(({ step }) => step.title.length))
  console.log('')
  for (const { step, outcome, milliseconds } of finished) {
    console.log(`${mark(outcome)} ${step.title.padEnd(width)}  ${seconds(milliseconds).padStart(7)}  ${counts(step, outcome)}`.trimEnd())
  }
  console.log(`  ${'altogether'.padEnd(width)}  ${seconds(performance.now() - started).padStart(7)}`)
}

/** The very last line: the sum of all tests and checks, and of what was broken off. */
export function closingLine(finished: readonly Finished[], brokenOff: number): string {
  const sum = (key: 'passed' | 'failed') => finished.reduce((total, { outcome }) => total + outcome[key], 0)
  return `${sum('passed')} passed, ${sum('failed') + brokenOff} failed`
}

function mark({ failed }: Outcome): string {
  return failed === 0 ? styleText('green', '✔') : styleText('red', '✖')
}

function counts(step: Step, { passed, failed, note }: Outcome): string {
  const numbers = step.takesFilters || passed + failed !== 1 ? `${passed} passed${failed > 0 ? `, ${failed} failed` : ''}` : ''
  return [failed > 0 && !numbers ? 'failed' : numbers, note && `(${note})`].filter(Boolean).join(' ')
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`
}
