import { postgresStore, sqliteStore, type SessionStore } from '../index.ts'
import type { StoreAnswer, StoreCall, StorePlace } from './store-processes.ts'

// The other process of a test: it holds a store, and does what it is told.

const place = JSON.parse(process.argv[2]!) as StorePlace
const store = 'path' in place ? await sqliteStore(place) : await postgresStore(place)

process.on('message', ({ call, method, parameters }: StoreCall) => {
  const act = async () => (store[method as keyof SessionStore] as (...given: readonly unknown[]) => unknown)(...parameters)
  const answer = act().then(
    (value): StoreAnswer => ({ call, value }),
    (error: Error): StoreAnswer => ({ call, error: error.message })
  )
  void answer.then((said) => process.send!(said))
})
process.on('disconnect', () => void store.close())
process.send!('ready')
