import type { ClientFrame } from './protocol.ts'

/** What came from a client: a frame, a frame whose answer can only be a refusal, or null for what is no frame at all. */
export type ParsedFrame = { readonly frame: ClientFrame } | { readonly id: string; readonly problem: string } | null

const fieldsOf = { post: ['type', 'id', 'msg'], delete: ['type', 'id', 'idx'] } as const

const isId = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= 64 && value.isWellFormed()

/** Reads a frame of `messageboard.2`. */
export function parseFrame(text: string): ParsedFrame {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  const fields = value as Readonly<Record<string, unknown>>
  const { id, type } = fields
  if (!isId(id) || typeof type !== 'string') return null
  if (type !== 'post' && type !== 'delete') return { id, problem: 'its type is unknown.' }
  const known: readonly string[] = fieldsOf[type]
  const strange = Object.keys(fields).find((name) => !known.includes(name))
  if (strange !== undefined) return { id, problem: `it has a field too many; it has ${known.join(', ')}.` }
  const { idx, msg } = fields
  if (type === 'post') return typeof msg === 'string' ? { frame: { type, id, msg } } : { id, problem: 'msg must be a text.' }
  return Number.isSafeInteger(idx) && (idx as number) > 0
    ? { frame: { type, id, idx: idx as number } }
    : { id, problem: 'idx must be the number of a post.' }
}
