import { randomBytes } from 'node:crypto'
import { ClassicLevel } from 'classic-level'

/** A record as webgram-sessions writes it. */
export function webgramRecord(id: unknown, more: Record<string, unknown> = {}): Record<string, unknown> & { readonly _secret: string } {
  return {
    _sessionID: id,
    _secret: randomBytes(64).toString('base64'),
    _firstVisitTime: '2018-03-01T10:00:00.000Z',
    _latestVisitTime: '2018-03-02T10:00:00.000Z',
    ...more
  }
}

/** Writes a LevelDB store: texts as they are, everything else as JSON. */
export async function makeWebgramStore(directory: string, records: Record<string, unknown>): Promise<void> {
  const store = new ClassicLevel(directory)
  const operations = Object.entries(records).map(([key, value]) => {
    return { type: 'put' as const, key, value: typeof value === 'string' ? value : JSON.stringify(value) }
  })
  await store.batch(operations)
  await store.close()
}
