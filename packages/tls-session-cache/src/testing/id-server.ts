import type { AddressInfo } from 'node:net'
import { argv } from 'node:process'
import tls, { type TlsOptions } from 'node:tls'
import { storeSessionIds } from '../server/store-session-ids.ts'
import { withoutTickets } from '../server/without-tickets.ts'

// A server in a process of its own, whose store is that of its parent.
const { key, options } = JSON.parse(argv[2]!) as { readonly options: TlsOptions; readonly key: string }
const waiting = new Map<string, (data: string | null) => void>()
process.on('message', ({ data, id }: { readonly id: string; readonly data: string | null }) => waiting.get(id)?.(data))
process.on('disconnect', () => process.exit())

const server = tls.createServer(withoutTickets(options), (socket) => {
  socket.on('error', () => undefined)
  socket.write('hello\n')
})
storeSessionIds(
  server,
  {
    get: async (id) => {
      const { promise, resolve } = Promise.withResolvers<string | null>()
      waiting.set(id, resolve)
      process.send!({ get: id })
      const data = await promise
      return data === null ? null : Buffer.from(data, 'base64')
    },
    set: (id, data) => process.send!({ set: id, data: Buffer.from(data).toString('base64') })
  },
  { key: Buffer.from(key, 'base64') }
)
server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port))
