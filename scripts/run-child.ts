import { spawn } from 'node:child_process'
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { root } from './setup/root.mjs'

export interface ChildOptions {
  /** Folder to run in. Default: the folder of the workspace. */
  cwd?: string
  /** Added to the environment. */
  env?: NodeJS.ProcessEnv
  /** File that gets the whole output as it comes. */
  log?: string
  /** Called with each complete line of the output. */
  onLine?: (line: string) => void
  /** Milliseconds without any output after which the child is stopped and counts as failed. Default: three minutes. */
  patience?: number
}

export interface ChildResult {
  /** Exit code; not 0 as well when a signal or the time limit ended it. */
  code: number
  output: string
}

const running = new Set<(reason: string) => void>()

/** Stops every child that runs, with all that it started. */
export function stopChildren(reason: string): void {
  for (const stop of running) stop(reason)
}

/** Runs `node ...args` without a terminal, keeps the output, and never throws because of what the child does. */
export function runChild(args: readonly string[], options: ChildOptions = {}): Promise<ChildResult> {
  const { cwd = root, log, onLine, patience = 3 * 60_000 } = options
  // What a surrounding test runner left in the environment would change what the child reports, and colours would end in the log.
  const { FORCE_COLOR: _, NODE_TEST_CONTEXT: __, ...inherited } = process.env
  const env = { ...inherited, NO_COLOR: '1', ...options.env }
  if (log) {
    mkdirSync(dirname(log), { recursive: true })
    writeFileSync(log, '')
  }

  return new Promise((resolve) => {
    // A process group of its own, so that the browsers and servers below the child can be stopped with it.
    const child = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: process.platform !== 'win32' })
    let output = ''
    let line = ''
    let stopped = false

    const take = (raw: string) => {
      // Some tools colour whatever they are told.
      const text = stripVTControlCharacters(raw)
      output += text
      if (log) appendFileSync(log, text)
      silence.refresh()
      if (!onLine) return
      const lines = (line + text).split('\n')
      line = lines.pop() ?? ''
      for (const complete of lines) onLine(complete)
    }
    child.stdout.setEncoding('utf8').on('data', take)
    child.stderr.setEncoding('utf8').on('data', take)

    let hardKill: NodeJS.Timeout | undefined
    const stop = (reason: string) => {
      if (stopped) return
      stopped = true
      take(`\n${reason}\n`)
      // The test runners close their servers and browsers on SIGINT, and only then.
      signalGroup(child.pid, 'SIGINT')
      hardKill = setTimeout(() => signalGroup(child.pid, 'SIGKILL'), 10_000)
    }
    running.add(stop)
    const silence = setTimeout(() => stop(`Stopped: it said nothing for ${Math.round(patience / 1000)} s.`), patience)

    const settle = (code: number) => {
      running.delete(stop)
      clearTimeout(silence)
      clearTimeout(hardKill)
      resolve({ code: stopped ? code || 1 : code, output })
    }
    child.on('error', (error) => {
      take(`${error.message}\n`)
      settle(1)
    })
    child.on('close', (code, signal) => {
      if (signal && !stopped) take(`\nEnded by ${signal}.\n`)
      settle(code ?? 1)
    })
  })
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, signal)
  } catch {
    // It has ended by itself.
  }
}

/** The file that `node` runs for a command which a workspace package depends on. */
export function binOf(packageName: string, bin: string, from = ''): string {
  return join(root, from, 'node_modules', packageName, bin)
}
