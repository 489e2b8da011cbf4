import type { AdminAccount, AdminGroup, AdminMail, AdminPage, AdminSession, AuditEntry } from './admin-types.ts'

type Kind = 'text' | 'number' | 'boolean' | 'texts' | 'object'
/** What each property must be; with a question mark it may be null. */
type Shape<T> = Readonly<Record<keyof T, Kind | `${Kind}?`>>

const accountShape: Shape<AdminAccount> = {
  id: 'text',
  username: 'text',
  email: 'text?',
  verified: 'boolean',
  configured: 'boolean',
  changeable: 'boolean',
  status: 'text',
  mustChangePassword: 'boolean',
  visits: 'number',
  lastLoginAt: 'number?',
  level: 'number',
  group: 'text?',
  effectiveLevel: 'number',
  sectors: 'texts',
  createdAt: 'number',
  lockedAt: 'number?',
  sessions: 'number'
}

const groupShape: Shape<AdminGroup> = {
  id: 'text',
  name: 'text',
  level: 'number',
  members: 'number',
  changeable: 'boolean'
}

const sessionShape: Shape<AdminSession> = {
  id: 'text',
  current: 'boolean',
  createdAt: 'number',
  lastActiveAt: 'number',
  expiresAt: 'number',
  remember: 'boolean',
  ip: 'text',
  userAgent: 'text',
  pages: 'number',
  sockets: 'number',
  accountId: 'text',
  username: 'text'
}

const mailShape: Shape<AdminMail> = {
  id: 'text',
  kind: 'text',
  recipient: 'text',
  state: 'text',
  attempts: 'number',
  createdAt: 'number',
  nextAttemptAt: 'number?',
  lastError: 'text?'
}

const auditShape: Shape<AuditEntry> = {
  id: 'text',
  at: 'number',
  actor: 'text',
  ip: 'text?',
  action: 'text',
  accountId: 'text?',
  username: 'text?',
  details: 'object'
}

const isText = (value: unknown) => typeof value === 'string'

const kinds: Readonly<Record<Kind, (value: unknown) => boolean>> = {
  text: isText,
  // Dates end here; what lies beyond could not be shown.
  number: (value) => typeof value === 'number' && Math.abs(value) <= 8.64e15,
  boolean: (value) => typeof value === 'boolean',
  texts: (value) => Array.isArray(value) && value.every(isText),
  object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value)
}

const has = <T>(shape: Shape<T>) => {
  const properties = Object.entries<string>(shape).map(([name, kind]) => [name, kind.replace('?', '') as Kind, kind.endsWith('?')] as const)
  return (value: unknown): value is T => {
    const given = Object(value) as Record<string, unknown>
    return properties.every(([name, kind, nullable]) => (given[name] === null ? nullable : kinds[kind](given[name])))
  }
}

export const isAccount = has(accountShape)
export const isGroup = has(groupShape)
export const isSession = has(sessionShape)
export const isMail = has(mailShape)
export const isAuditEntry = has(auditShape)
export const isTexts = kinds.texts as (value: unknown) => value is string[]

/** Whether an answer is a page of a list, with entries of this kind under this name. */
export function isPage<P extends AdminPage>(value: unknown, name: keyof P & string, isEntry: (entry: unknown) => boolean): value is P {
  const { next, [name]: entries } = Object(value) as Record<string, unknown>
  return (next === null || isText(next)) && Array.isArray(entries) && entries.every(isEntry)
}
