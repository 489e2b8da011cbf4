import { databaseDenylist, type DatabaseDenylistOptions, type Denylist } from '../index.ts'
import type { DenylistAnswer, DenylistCall } from './denylist-processes.ts'

// The other process of a test: it holds a denylist, and does what it is told.

const denylist = await databaseDenylist(JSON.parse(process.argv[2]!) as DatabaseDenylistOptions)

process.on('message', ({ method, parameters }: DenylistCall) => {
  const act = async () => (denylist[method as keyof Denylist] as (...given: readonly unknown[]) => unknown)(...parameters)
  const answer = act().then(
    (value): DenylistAnswer => ({ value: value ?? null }),
    (error: Error): DenylistAnswer => ({ error: error.message })
  )
  void answer.then((said) => process.send!(said))
})
process.on('disconnect', () => void denylist.close?.())
process.send!('ready')
