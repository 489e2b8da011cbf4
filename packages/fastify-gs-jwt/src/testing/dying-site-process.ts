import type { TestContext } from 'node:test'
import { Clock, Inbox } from 'fastify-gs/testing/build'
import { databaseDenylist, type GsJwtOptions } from '../index.ts'
import { startMinter, type Place } from './gs-site.ts'

// The other process of a test: a site that is killed while it writes a denial.

const { place, keys } = JSON.parse(process.argv[2]!) as { place: Place; keys: GsJwtOptions['keys'] }
const list = await databaseDenylist(place)
const stuck = new Promise<never>(() => undefined)
const app = await startMinter(
  { after: () => undefined } as unknown as TestContext,
  { clock: new Clock(), inbox: new Inbox(), database: place },
  {
    keys,
    denylist: {
      ...list,
      deny() {
        process.send!('denying')
        return stuck
      }
    }
  }
)
process.on('disconnect', () => process.exit())
process.send!(await app.listen({ port: 0, host: '127.0.0.1' }))
