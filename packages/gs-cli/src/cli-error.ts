/** What the shell gets to know. */
export const ExitCode = {
  ok: 0,
  /** It was asked for rightly and could not be done. */
  failed: 1,
  /** It was asked for wrongly: an unknown option, a missing argument. */
  usage: 2,
  /** Done in part: what was refused stands in the report. */
  partly: 3
} as const

/** An error for the person at the terminal: one sentence that names what is wrong and the cure. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly exitCode: number
  constructor(message: string, exitCode: number = ExitCode.failed, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}

/** The command line asks for something that makes no sense. */
export const usageError = (message: string): CliError => new CliError(message, ExitCode.usage)
