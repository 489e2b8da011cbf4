import type { AddressInfo } from 'node:net'
import { argv } from 'node:process'
import tls, { type TlsOptions } from 'node:tls'
import { shareTicketKeys } from '../server/share-ticket-keys.ts'

// A server in a process of its own, or a worker of a cluster, that says which port it has, and to each connection, which process it is.
const {
  options,
  secret,
  shift = 0
} = JSON.parse(argv[2]!) as {
  readonly options: TlsOptions
  readonly secret: string
  /** By how much its clock is wrong, ms. */
  readonly shift?: number
}
const server = tls.createServer(options, (socket) => {
  socket.on('error', () => undefined)
  socket.write(`${process.pid}\n`)
})
shareTicketKeys(server, { secret, now: () => Date.now() + shift })
server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port))
process.on('disconnect', () => process.exit())
