import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

/** A way to a PostgreSQL server that can be cut at the worst moments. */
export async function startPostgresProxy(t: TestContext, url: string) {
  const { hostname, port } = new URL(url)
  const clients = new Set<Socket>()
  let state: 'open' | 'cut' | 'silent' = 'open'
  let answersToLose = 0

  const server = createServer((client) => {
    clients.add(client)
    client.on('close', () => clients.delete(client)).on('error', () => undefined)
    if (state === 'cut') {
      client.destroy()
      return
    }
    const database = connect(Number(port), hostname)
    database.on('error', () => client.destroy()).on('close', () => client.destroy())
    client.on('close', () => database.destroy())
    client.on('data', (bytes) => {
      if (state === 'open') database.write(bytes)
    })
    database.on('data', (bytes) => {
      if (answersToLose > 0) {
        answersToLose--
        client.destroy()
      } else if (state === 'open') client.write(bytes)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(async () => {
    for (const client of clients) client.destroy()
    server.close()
    await once(server, 'close')
  })
  const here = new URL(url)
  here.port = String((server.address() as AddressInfo).port)

  return {
    url: here.href,
    /** Ends all connections, and each new one. */
    cut() {
      state = 'cut'
      for (const client of clients) client.destroy()
    },
    /** Nothing gets through any more, and nobody is told. */
    silence() {
      state = 'silent'
    },
    /** For connections that are made from now on. */
    mend() {
      state = 'open'
    },
    /** The server does what it is asked next; the connection breaks before the answer arrives. */
    loseAnswer() {
      answersToLose = 1
    }
  }
}
