import type { LwswsPlace } from './lwsws-json.ts'

/** Something in the configuration that an operator should know: an error has to be mended, a warning can stay. */
export interface LwswsProblem extends LwswsPlace {
  readonly severity: 'error' | 'warning'
  /** A whole sentence: file and line, what is wrong, and the cure. Never a password or another secret. */
  readonly message: string
}

/** Collects what is found. */
export interface LwswsProblems {
  error(place: LwswsPlace, sentence: string): void
  warning(place: LwswsPlace, sentence: string): void
  /** In the order of files and lines. */
  list(files: readonly string[]): readonly LwswsProblem[]
}

export function createProblems(): LwswsProblems {
  const problems: LwswsProblem[] = []
  const add = (severity: LwswsProblem['severity'], { file, line }: LwswsPlace, sentence: string) => {
    const message = `${file}:${line}: ${sentence}`
    if (!problems.some((problem) => problem.message === message)) problems.push({ severity, file, line, message })
  }
  return {
    error: (place, sentence) => add('error', place, sentence),
    warning: (place, sentence) => add('warning', place, sentence),
    list: (files) => problems.toSorted((a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line)
  }
}

/** A value as it may stand in a sentence on a terminal. */
export const quote = (text: string) =>
  JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text).replace(
    /[\u007f-\u009f]/g,
    (character) => String.raw`\u00` + character.charCodeAt(0).toString(16)
  )
