import { spawn } from 'node:child_process'

/**
 * Runs a program without a terminal and keeps what it says. Ends with this process: a signal goes on to the program.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd: string, env?: NodeJS.ProcessEnv, shell?: boolean }} options
 * @returns {Promise<{ code: number, output: string }>}
 */
export function runQuietly(command, args, options) {
  return new Promise((resolve, reject) => {
    // A shell (npm.cmd on Windows) takes one string: paths with spaces need their quotes.
    const quoted = options.shell ? args.map((arg) => (/[\s&()^]/.test(arg) ? `"${arg}"` : arg)) : args
    // A group of its own: pnpm's program runs below another process, which does not pass signals on.
    const group = process.platform !== 'win32'
    const child = spawn(command, quoted, { ...options, stdio: ['ignore', 'pipe', 'pipe'], detached: group })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text) => (output += text))
    child.stderr.setEncoding('utf8').on('data', (text) => (output += text))
    /** @param {NodeJS.Signals} signal */
    const forward = (signal) => {
      stopped = true
      if (group && child.pid) process.kill(-child.pid, signal)
      else child.kill(signal)
    }
    let stopped = false
    process.on('SIGINT', forward).on('SIGTERM', forward).on('SIGHUP', forward)
    child.on('error', reject)
    child.on('close', (code) => {
      process.off('SIGINT', forward).off('SIGTERM', forward).off('SIGHUP', forward)
      if (stopped) reject(new Error('Interrupted; run the command again to go on.'))
      else resolve({ code: code ?? 1, output })
    })
  })
}

/**
 * What a failed installation says about its reason: without progress, repetitions and the inside of npm.
 * @param {string} output
 */
export function essenceOf(output) {
  const noise = /^(\[WARN\] GET |Will retry |Progress: |Packages: |Scope: |[+-]*$|npm error\s*$|npm error\s+(at |\w+: |\}))/
  const lines = output.split('\n').filter((line) => !noise.test(line.trim()))
  return lines.slice(-20).join('\n')
}
