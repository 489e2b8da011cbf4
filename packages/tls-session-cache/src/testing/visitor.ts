import { argv } from 'node:process'
import type { ConnectionOptions } from 'node:tls'
import { restoreSessions } from '../saved/restore-sessions.ts'
import { TlsSessionCache } from '../session-cache.ts'
import { visit } from './tls-server.ts'

// Another process that has the sessions of a file, and connects.
const { connection, key, path } = JSON.parse(argv[2]!) as {
  readonly connection: ConnectionOptions
  readonly key: string
  readonly path: string
}
const cache = new TlsSessionCache()
const { taken } = await restoreSessions(cache, path, { key: Buffer.from(key, 'base64') })
const resumed = await visit(cache.connect(connection))
process.stdout.write(JSON.stringify({ taken, resumed }))
