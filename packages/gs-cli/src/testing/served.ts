import { spawn, type ChildProcess } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { callbackify } from 'node:util'
import PostalMime, { type Email } from 'postal-mime'
import { SMTPServer, type SMTPServerOptions, type SMTPServerSession } from 'smtp-server'
import { main } from './run-gs.ts'

export interface LogEntry {
  readonly level: number
  readonly msg: string
  readonly [field: string]: unknown
}

/** A `gs serve` that runs. */
export interface Served {
  readonly child: ChildProcess
  readonly log: readonly LogEntry[]
  /** Exit code and signal. */
  readonly exited: Promise<[number | null, NodeJS.Signals | null]>
  readonly stderr: () => string
  /** Waits for a line of the log, from the one after `after` on. */
  logged(pattern: RegExp, after?: number): Promise<LogEntry>
  /** Sends SIGHUP, and waits until it has taken effect or was refused. */
  reload(): Promise<LogEntry>
}

/** Starts `gs serve` without waiting for anything. */
export function spawnServe(t: TestContext, config: string, args: readonly string[] = []): Served {
  const { NODE_TEST_CONTEXT: _, FORCE_COLOR: __, ...env } = process.env
  const child = spawn(process.execPath, [main, 'serve', config, ...args], { env })
  const exited = once(child, 'close') as Served['exited']
  t.after(async () => {
    child.kill('SIGKILL')
    await exited
  })
  const log: LogEntry[] = []
  let stderr = ''
  const waiting = new Set<() => void>()
  const wake = () => {
    for (const one of waiting) one()
  }
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  createInterface({ input: child.stdout }).on('line', (line) => {
    log.push(JSON.parse(line) as LogEntry)
    wake()
  })
  let ended = false
  child.once('close', () => {
    ended = true
    wake()
  })
  const served: Served = {
    child,
    log,
    exited,
    stderr: () => stderr,
    async logged(pattern, after = 0) {
      for (;;) {
        const found = log.slice(after).find(({ msg }) => pattern.test(msg))
        if (found !== undefined) return found
        if (ended) throw new Error(`gs serve has ended: ${stderr}\n${JSON.stringify(log, null, 1)}`)
        await new Promise<void>((resolve) => {
          const once = () => {
            waiting.delete(once)
            resolve()
          }
          waiting.add(once)
        })
      }
    },
    reload() {
      const after = log.length
      child.kill('SIGHUP')
      return served.logged(/^serving|as before/, after)
    }
  }
  return served
}

/** Starts `gs serve` and waits until it answers. */
export async function startServe(t: TestContext, config: string, args: readonly string[] = []): Promise<Served> {
  const served = spawnServe(t, config, args)
  await served.logged(/^serving/)
  return served
}

/**
 * A port on which nobody listens, and below those that systems hand out by themselves: a server that is started again on it must not find
 * it taken by some other test's connection.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000)
    const server = createServer().listen(port)
    const taken = await once(server, 'listening').then(
      () => false,
      () => true
    )
    if (taken) continue
    server.close()
    await once(server, 'close')
    return port
  }
}

export interface MailServer {
  readonly port: number
  /** The next mail that nobody has asked for yet. */
  next(): Promise<Email>
}

/** An SMTP server on loopback. */
export async function startMailServer(t: TestContext): Promise<MailServer> {
  const mails: Email[] = []
  let wake = () => {}
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    closeTimeout: 1,
    onData: callbackify(async (stream: AsyncIterable<Buffer>, _session: SMTPServerSession) => {
      mails.push(await PostalMime.parse(Buffer.concat(await Array.fromAsync(stream))))
      wake()
    }) as NonNullable<SMTPServerOptions['onData']>
  })
  server.on('error', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  t.after(() => new Promise<void>((resolve) => server.close(resolve)))
  return {
    port: (server.server.address() as AddressInfo).port,
    async next() {
      while (mails.length === 0) await new Promise<void>((resolve) => (wake = resolve))
      return mails.shift()!
    }
  }
}

/** Path and query of the link in a mail. */
export function linkIn({ text }: Email): string {
  const { pathname, search } = new URL(/https?:\/\/\S+\?token=\S+/.exec(text ?? '')![0])
  return pathname + search
}

/** Writes files below a directory, by their paths. */
export function writeFiles(directory: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    const file = join(directory, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
}
