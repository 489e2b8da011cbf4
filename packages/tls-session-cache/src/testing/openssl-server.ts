import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import type { Certificate } from './certificates.ts'

const { stdout: version } = spawnSync('openssl', ['version'], { encoding: 'utf8' })

/** Why tests against OpenSSL's own server do not run here; false: they do. */
export const withoutOpenssl: string | false = /^OpenSSL ([3-9]|\d\d)/.test(version ?? '')
  ? false
  : 'the command openssl of OpenSSL 3 or later is not on this machine'

export interface OpensslServer {
  readonly port: number
  /** Waits for a line that it prints. */
  readonly says: (wanted: RegExp) => Promise<void>
  readonly stop: () => Promise<void>
}

export interface OpensslOptions extends Certificate {
  /** Further arguments of `openssl s_server`. */
  readonly args: readonly string[]
  /** What it shows to those who ask for this name. */
  readonly other?: Certificate & { readonly servername: string }
  /** Default: a free one. */
  readonly port?: number
}

/** `openssl s_server` on loopback; it ends with the test. */
export async function opensslServer(t: TestContext, { args, cert, key, other, port: wanted = 0 }: OpensslOptions): Promise<OpensslServer> {
  const folder = mkdtempSync(join(tmpdir(), 'tls-session-cache-'))
  const file = (name: string, content: string) => {
    const path = join(folder, name)
    writeFileSync(path, content, { mode: 0o600 })
    return path
  }
  const second =
    other === undefined
      ? []
      : ['-servername', other.servername, '-cert2', file('cert2.pem', other.cert), '-key2', file('key2.pem', other.key)]
  const child = spawn(
    'openssl',
    ['s_server', '-accept', `127.0.0.1:${wanted}`, '-cert', file('cert.pem', cert), '-key', file('key.pem', key), ...second, ...args],
    { stdio: ['pipe', 'pipe', 'pipe'] }
  )
  const exited = once(child, 'exit')
  let complaint = ''
  child.stderr.on('data', (text) => (complaint += text))
  const lines = createInterface({ input: child.stdout })
  const says = (wish: RegExp) =>
    new Promise<void>((resolve, reject) => {
      const look = (line: string) => {
        if (!wish.test(line)) return
        lines.off('line', look)
        resolve()
      }
      lines.on('line', look)
      void exited.then(() => reject(new Error(`openssl s_server has ended: ${complaint}`)))
    })
  const accepting = new Promise<number>((resolve, reject) => {
    lines.on('line', (line) => {
      const found = /^ACCEPT.*:(\d+)$/.exec(line)
      if (found !== null) resolve(Number(found[1]))
      else if (line === 'ACCEPT') resolve(wanted)
    })
    void exited.then(() => reject(new Error(`openssl s_server has not started: ${complaint}`)))
  })
  const stop = async () => {
    child.kill('SIGKILL')
    await exited
    rmSync(folder, { recursive: true, force: true })
  }
  t.after(stop)
  const port = await accepting
  return { port, says, stop }
}
