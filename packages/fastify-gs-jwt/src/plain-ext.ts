import { maxDepth } from './compact.ts'
import { JwtSignError } from './errors.ts'

function refuse(path: string, what: string): never {
  throw new JwtSignError('ext', `${path} ${what}.`)
}

function copy(value: unknown, path: string, depth: number): unknown {
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'string')
    return value.isWellFormed() ? value : refuse(path, 'has half a surrogate pair, which not every verifier can read')
  // JSON does not know -0.
  if (typeof value === 'number') return Number.isFinite(value) ? value || 0 : refuse(path, `is ${value}, which JSON does not have`)
  if (typeof value !== 'object') return refuse(path, `is a value of type ${typeof value}, which JSON does not have`)
  if (depth === maxDepth) return refuse(path, `is nested deeper than ${maxDepth} levels, or contains itself`)
  if (Array.isArray(value)) return Array.from(value, (member, index) => copy(member, `${path}.${index}`, depth + 1))
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null)
    return refuse(path, `is no plain object but a ${value.constructor?.name || 'class'}; write what of it the verifier shall read`)
  const members: Record<string, unknown> = {}
  for (const [name, member] of Object.entries(value)) {
    if (name === '__proto__' || !name.isWellFormed())
      return refuse(path, `has a member ${JSON.stringify(name)}, which not every verifier can read`)
    if (member !== undefined) members[name] = copy(member, `${path}.${name}`, depth + 1)
  }
  return members
}

/**
 * What a verifier will read of an `ext`: a copy, read once, of its plain values. Members that are undefined are left out, as JSON has it.
 *
 * @throws {JwtSignError} something in it is no plain value, and would be something else, or nothing, on the other side
 */
export function copyExt(ext: unknown): unknown {
  try {
    // The claims around it are the first level.
    return copy(ext, 'ext', 1)
  } catch (error) {
    if (error instanceof JwtSignError) throw error
    throw new JwtSignError('ext', `ext cannot be read: ${String(error)}.`, { cause: error })
  }
}
