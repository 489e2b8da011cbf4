import { createClient, type ClientState } from 'fastify-gs-ws/client'

const element = (id: string) => document.getElementById(id)!

const client = createClient(`${location.origin.replace(/^http/, 'ws')}/ws`)

const states: Record<ClientState, string> = {
  connecting: 'Connecting …',
  session: 'Connected.',
  waiting: 'The server is out of reach. What you press is kept, and counted once when it is back.',
  closed: 'Closed. Reload the page to connect again.',
  ended: 'Forgotten.'
}
const status = element('status')
const showState = () => (status.textContent = states[client.state])
client.subscribe(showState)
showState()

for (const name of ['mine', 'shared']) {
  client.on(name, (count: number) => (element(name).textContent = String(count)))
}
element('add-mine').addEventListener('click', () => press('plus-one'))
element('add-shared').addEventListener('click', () => press('plus-one-shared'))
element('forget').addEventListener('click', async () => {
  await client.end()
  location.reload()
})

function press(event: string): void {
  try {
    client.send(event)
  } catch {
    status.textContent = 'Too much is waiting for the server already; this was not counted.'
  }
}
