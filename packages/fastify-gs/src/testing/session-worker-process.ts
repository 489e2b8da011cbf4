import { openSessions, type OpenedSession } from '../open-session.ts'
import type { GsOptions } from '../options.ts'
import { anyData, count } from './session-data.ts'
import { sessionKeys, type WorkerAnswer, type WorkerCall } from './session-processes.ts'

// The other process of a test: no server, it holds a session and does what it is told.

const sessions = await openSessions({ database: JSON.parse(process.argv[2]!) as GsOptions['database'], keys: sessionKeys })
let held: OpenedSession | null = null

async function act(call: WorkerCall): Promise<unknown> {
  if (call.do === 'open') {
    held = await sessions.openSession(call.token)
    if (held === null) return null
    const { session, account, mask, level, csrfToken } = held
    return { id: session.id, anonymous: session.anonymous, username: account?.username ?? null, mask, level, csrfToken }
  }
  const session = held!
  const data = anyData(session)
  switch (call.do) {
    case 'read':
      return data.read()
    case 'patch':
      return data.patch({ ...call.changes })
    case 'replace':
      return data.replace({ ...call.data }, call.version)
    case 'isAlive':
      return session.isAlive()
    case 'end':
      await session.end()
      return null
    default: {
      const numbers = Array.from({ length: call.times }, (_, index) => index)
      await Promise.all([
        ...numbers.map(() => data.patch(count)),
        ...numbers.map((number) => data.patch({ [`${call.prefix}${number}`]: number }))
      ])
      return null
    }
  }
}

process.on('message', (call: WorkerCall) => {
  const answer = act(call).then(
    (value): WorkerAnswer => ({ value: value ?? null }),
    (error: Error & { code?: string }): WorkerAnswer => ({ error: error.code ?? error.message })
  )
  void answer.then((said) => process.send!(said))
})
process.on('disconnect', () => void sessions.close())
process.send!('ready')
