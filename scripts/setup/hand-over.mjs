import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { isatty } from 'node:tty'
import { root } from './root.mjs'

const endWithParent = new URL('end-with-parent.mjs', import.meta.url).href

/**
 * The last thing this process does: becomes `node script …` in the folder of the workspace. Where a process cannot become another
 * (Windows, Node before 22.15) it stays as a parent that passes signals on and ends with the same exit code.
 * @param {string} node
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 */
export function handOver(node, args, env) {
  process.chdir(root)
  // npm waits for us, so its death means that nobody does any more. Whoever started us otherwise may leave us alone on purpose.
  const underNpm = env['npm_lifecycle_event'] !== undefined
  if (process.platform !== 'win32' && 'execve' in process && typeof process.execve === 'function') {
    process.execve(node, [node, ...(underNpm ? watching() : process.execArgv), ...args], env)
  }
  if (underNpm) void import(endWithParent)
  const child = spawn(node, [...watching(), ...args], { stdio: 'inherit', env })
  // In a terminal Ctrl-C reaches the whole group of processes: passed on, it would be a second one.
  const terminal = isatty(0)
  process.on('SIGTERM', (signal) => child.kill(signal))
  process.on('SIGHUP', (signal) => child.kill(signal))
  process.on('SIGINT', (signal) => terminal || child.kill(signal))
  child.on('error', (error) => {
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (signal ? constants.signals[signal] : 1)))
}

function watching() {
  return process.execArgv.includes(endWithParent) ? process.execArgv : [...process.execArgv, '--import', endWithParent]
}
