import { unwrapSession } from '../session-facts.ts'

/** `named`: Node has put the name of the server before the session, and takes no others; `bare`: the other way round. */
export type SessionFormat = 'named' | 'bare'

/** The format of a session; null: it is none. */
export function formatOf(session: Buffer): SessionFormat | null {
  const parts = unwrapSession(session)
  if (parts === null) return null
  return parts.name === null ? 'bare' : 'named'
}

/** The format of the sessions of a version of Node. It came with security releases, in the middle of 24 and 26; 25 had ended before. */
export function formatOfNode(version: string): SessionFormat {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10))
  if (major === 24) return minor >= 17 ? 'named' : 'bare'
  if (major === 26) return minor > 3 || (minor === 3 && patch >= 1) ? 'named' : 'bare'
  return major > 26 ? 'named' : 'bare'
}
