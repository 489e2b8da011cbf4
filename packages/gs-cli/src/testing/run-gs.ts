import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

/** The script behind the command `gs`. */
export const main = join(import.meta.dirname, '..', 'main.ts')

export interface GsResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

interface RunOptions {
  /** What stands on stdin, which is never a terminal here. Default: nothing. */
  readonly input?: string | Buffer
  readonly env?: NodeJS.ProcessEnv
  /** For Node, before the script. */
  readonly nodeArgs?: readonly string[]
}

const compileCache = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'node')

/** What surrounds the tests must not say where the database is, nor colour the output. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const { GS_DATABASE: _, DATABASE_URL: __, FORCE_COLOR: ___, NO_COLOR: ____, NODE_TEST_CONTEXT: _____, CI: ______, ...env } = process.env
  // Most of a short run is compiling the same files.
  return { ...env, NODE_COMPILE_CACHE: compileCache }
}

/** Runs `gs ...args` without a terminal. */
export async function gs(args: readonly string[], { input = '', env = {}, nodeArgs = [] }: RunOptions = {}): Promise<GsResult> {
  const child = spawn(process.execPath, [...nodeArgs, main, ...args], { env: { ...cleanEnvironment(), ...env } })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  // A command that does not read its input may be gone before.
  child.stdin.on('error', () => undefined).end(input)
  const code = await ended(child)
  return { code, stdout, stderr }
}

/** The answer of `gs ...args --json`, which must succeed. */
export async function gsJson<Answer>(args: readonly string[], options: RunOptions = {}): Promise<Answer> {
  const { code, stdout, stderr } = await gs([...args, '--json'], options)
  if (code !== 0) throw new Error(`gs ${args.join(' ')} ended with ${code}: ${stderr}`)
  return JSON.parse(stdout) as Answer
}

/**
 * Runs `gs ...args` on a terminal of its own and types the answers, each when its question has appeared. The output is what the person
 * sees: stdout, stderr and whatever the terminal echoes. `script` of util-linux (or BSD) makes the terminal.
 */
export async function gsOnTerminal(
  args: readonly string[],
  answers: readonly (readonly [question: RegExp, typed: string])[],
  env: NodeJS.ProcessEnv = {}
): Promise<{ code: number | null; seen: string }> {
  const command = [process.execPath, main, ...args]
  const scriptArgs = process.platform === 'linux' ? ['-qec', command.map(quote).join(' '), '/dev/null'] : ['-q', '/dev/null', ...command]
  const child = spawn('script', scriptArgs, { env: { ...cleanEnvironment(), TERM: 'xterm', SHELL: '/bin/sh', ...env } })
  let seen = ''
  let from = 0
  const waiting = [...answers]
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    seen += text
    const next = waiting[0]
    if (next === undefined || !next[0].test(seen.slice(from))) return
    waiting.shift()
    from = seen.length
    child.stdin.write(next[1])
  })
  const code = await ended(child)
  return { code, seen }
}

const quote = (word: string) => `'${word.replaceAll("'", String.raw`'\''`)}'`

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
}

/** A directory that goes with the test. */
export function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'gs-cli-test-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}
