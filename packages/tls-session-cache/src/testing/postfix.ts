import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, chmodSync, constants, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import type { Certificate } from './certificates.ts'

const command = '/usr/sbin/postfix'

function reason(): string | false {
  try {
    accessSync(command, constants.X_OK)
  } catch {
    return 'Postfix is not on this machine (on Debian: apt-get install --no-install-recommends postfix)'
  }
  return process.getuid?.() === 0 ? false : 'Postfix can be started by root only'
}

/** Why tests against Postfix do not run here; false: they do. */
export const withoutPostfix: string | false = reason()

export interface PostfixHandshake {
  readonly protocol: string
  readonly resumed: 'no' | 'by id' | 'by ticket'
}

export interface Postfix {
  /** Of STARTTLS, and of TLS from the first byte. */
  readonly ports: { readonly startTls: number; readonly implicit: number }
  /** Waits until so many handshakes have been done, and gives what Postfix says of them, in order. */
  readonly handshakes: (count: number) => Promise<readonly PostfixHandshake[]>
  readonly stop: () => Promise<void>
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Postfix with a folder of its own, on loopback, that takes every mail and throws it away; it ends with the test. */
export async function startPostfix(
  t: TestContext,
  { cert, key }: Certificate,
  { settings = [], ports }: { readonly settings?: readonly string[]; readonly ports?: Postfix['ports'] } = {}
): Promise<Postfix> {
  const folder = mkdtempSync(join(tmpdir(), 'tls-session-cache-'))
  // Its processes have another user than we.
  chmodSync(folder, 0o755)
  const at = (...path: string[]) => join(folder, ...path)
  for (const name of ['conf', 'queue', 'data']) mkdirSync(at(name))
  spawnSync('chown', ['postfix', at('data')])
  writeFileSync(at('conf', 'cert.pem'), cert)
  writeFileSync(at('conf', 'key.pem'), key, { mode: 0o600 })
  const { implicit, startTls } = ports ?? { startTls: await freePort(), implicit: await freePort() }
  writeFileSync(
    at('conf', 'main.cf'),
    [
      'compatibility_level = 2',
      `config_directory = ${at('conf')}`,
      `queue_directory = ${at('queue')}`,
      `data_directory = ${at('data')}`,
      'maillog_file = /dev/stdout',
      'myhostname = localhost.test',
      'mydestination =',
      'inet_interfaces = loopback-only',
      'inet_protocols = ipv4',
      'mynetworks = 127.0.0.0/8',
      'smtpd_peername_lookup = no',
      'smtpd_relay_restrictions = permit_mynetworks, reject',
      'default_transport = discard:',
      'alias_maps =',
      'alias_database =',
      `smtpd_tls_cert_file = ${at('conf', 'cert.pem')}`,
      `smtpd_tls_key_file = ${at('conf', 'key.pem')}`,
      'smtpd_tls_security_level = may',
      // What it does with sessions.
      'smtpd_tls_loglevel = 2',
      'smtpd_tls_session_cache_database = btree:$data_directory/smtpd_scache',
      ...settings,
      ''
    ].join('\n')
  )
  writeFileSync(
    at('conf', 'master.cf'),
    [
      `127.0.0.1:${startTls} inet n - n - - smtpd`,
      `127.0.0.1:${implicit} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes`,
      'cleanup unix n - n - 0 cleanup',
      'qmgr unix n - n 300 1 qmgr',
      'tlsmgr unix - - n 1000? 1 tlsmgr',
      'rewrite unix - - n - - trivial-rewrite',
      'bounce unix - - n - 0 bounce',
      'defer unix - - n - 0 bounce',
      'discard unix - - n - - discard',
      'anvil unix - - n - 1 anvil',
      'proxymap unix - - n - - proxymap',
      'postlog unix-dgram n - n - 1 postlogd',
      ''
    ].join('\n')
  )
  // Node's pipes are sockets, and /dev/stdout cannot be one.
  const child = spawn('/bin/sh', ['-c', `${command} -c "$0" start-fg 2>&1 | cat`, at('conf')], { stdio: ['ignore', 'pipe', 'inherit'] })
  const closed = once(child, 'close')
  const lines = createInterface({ input: child.stdout })
  const log: string[] = []
  const handshakes: PostfixHandshake[] = []
  /** By the number of the process that has the connection. */
  const reused = new Map<string, PostfixHandshake['resumed']>()
  lines.on('line', (line) => {
    log.push(line)
    const server = /smtpd\[(\d+)\]/.exec(line)?.[1]
    if (server === undefined) return
    if (line.includes('Reusing old session')) reused.set(server, line.includes('ticket') ? 'by ticket' : 'by id')
    const protocol = /TLS connection established from .*: (TLSv\S+) with/.exec(line)?.[1]
    if (protocol === undefined) return
    handshakes.push({ protocol, resumed: reused.get(server) ?? 'no' })
    reused.delete(server)
  })
  const until = (isThere: () => boolean) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (!isThere()) return
        lines.off('line', look)
        resolve()
      }
      lines.on('line', look)
      void closed.then(() => reject(new Error(`Postfix has ended: ${log.join('\n')}`)))
      look()
    })
  let isStopped = false
  const stop = async () => {
    if (isStopped) return
    isStopped = true
    // Its master leaves the group of the process that has started it.
    if (child.exitCode === null) process.kill(Number(readFileSync(at('queue', 'pid', 'master.pid'), 'utf8')), 'SIGTERM')
    await closed
    rmSync(folder, { recursive: true, force: true })
  }
  t.after(stop)
  await until(() => log.some((line) => line.includes('daemon started')))
  return {
    ports: { startTls, implicit },
    handshakes: async (count) => {
      await until(() => handshakes.length >= count)
      return handshakes
    },
    stop
  }
}
