import { isUtf8 } from 'node:buffer'
import { CliError, usageError } from './cli-error.ts'

/** More than any password or token has. */
const longestInput = 65_536

/**
 * A new password: on a terminal asked twice and not shown, otherwise one line on stdin. Never an argument, which other users of the machine
 * could read.
 *
 * @throws {CliError} the two differ, or there is not one line of UTF-8
 */
export async function askNewPassword(): Promise<string> {
  if (!process.stdin.isTTY) return readLine()
  const first = await askSecret('Password:')
  if ((await askSecret('The same again:')) !== first) throw new CliError('The two passwords are not the same; nothing was changed.')
  return refuseEmpty(first)
}

/** A password that exists already, in the same ways. */
export async function askPassword(): Promise<string> {
  return process.stdin.isTTY ? askSecret('Password:') : readLine()
}

/**
 * Lets a person on a terminal stop what cannot be undone; elsewhere `--yes` must say that it is meant.
 *
 * @throws {CliError} when the answer is no
 */
export async function confirmOrStop(question: string, yes: boolean | undefined): Promise<void> {
  if (yes === true) return
  if (!process.stdin.isTTY) throw usageError('This cannot be undone, and there is no terminal to ask: say --yes.')
  const { default: confirm } = await import('@inquirer/confirm')
  if (!(await confirm({ message: question, default: false }, { output: process.stderr }))) throw new CliError('Nothing was changed.')
}

async function askSecret(message: string): Promise<string> {
  const { default: ask } = await import('@inquirer/password')
  // What is printed on stdout is the answer of the command.
  return ask({ message, mask: false }, { output: process.stderr })
}

/** A token, in the same ways; whoever sees it could use it. */
export async function askToken(): Promise<string> {
  return process.stdin.isTTY ? refuseEmpty(await askSecret('Token:'), 'token') : readLine('token')
}

async function readLine(what: 'password' | 'token' = 'password'): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    length += chunk.length
    if (length > longestInput) throw new CliError(`What stands on stdin is too long for a ${what}; send one line.`)
  }
  const bytes = Buffer.concat(chunks)
  if (!isUtf8(bytes)) throw new CliError(`The ${what} on stdin is not UTF-8; convert it first.`)
  const line = bytes.toString().replace(/\r?\n$/, '')
  if (/[\r\n]/.test(line)) throw new CliError(`There is more than one line on stdin; send the ${what} only.`)
  return refuseEmpty(line, what)
}

function refuseEmpty(line: string, what: 'password' | 'token' = 'password'): string {
  if (line === '') throw new CliError(`There is no ${what}; type it on a terminal, or send it as one line on stdin.`)
  return line
}
