import { isAccount, isAuditEntry, isGroup, isMail, isPage, isSession, isTexts } from './admin-shapes.ts'
import type { AdminAccount, AdminAccountList, AdminGroup, AdminMail, AdminMailList, AdminSessionList, AuditList } from './admin-types.ts'
import { badReplyFailure, type GsResult } from './api-errors.ts'
import type { GsDone, SessionClient } from './session-client.ts'

/** Which page of a list. */
export interface AdminPageQuery {
  /** 1 to 100 (default: 20, so that a page of long names stays below the 64 KiB that a client reads). */
  readonly limit?: number
  /** What `next` of the page before said. */
  readonly after?: string
}

/** By which accounts can be found. */
export type AccountState = 'verified' | 'unverified' | 'locked' | 'must-change-password'

/**
 * What an admin calls: somebody whose `session.level` is 50 or more. The server writes down each change with the name of the admin. Like those of
 * the client, the calls resolve to `{ ok: true, value }` or `{ ok: false, error }`; who is no admin any more is refused with `GS_NOT_FOUND`, who
 * may not change this account with `GS_RANK` or `GS_CONFIGURED_ADMIN`, what is gone with `GS_ACCOUNT_UNKNOWN`, `GS_SESSION_UNKNOWN` or
 * `GS_MAIL_UNKNOWN`.
 */
export interface GsAdmin {
  /** Accounts, by part of the user name or address and by state. */
  readonly accounts: (
    query?: AdminPageQuery & { readonly search?: string; readonly state?: AccountState }
  ) => Promise<GsResult<AdminAccountList>>
  readonly account: (id: string) => Promise<GsResult<AdminAccount>>
  /** Vouches for the address. */
  readonly verify: (id: string) => Promise<GsResult<AdminAccount>>
  /** Keeps its owner out, and ends all its sessions. */
  readonly lock: (id: string) => Promise<GsResult<AdminAccount>>
  readonly unlock: (id: string) => Promise<GsResult<AdminAccount>>
  /** From the next request on nothing is open to the account but to choose a new password. */
  readonly requirePasswordChange: (id: string) => Promise<GsResult<AdminAccount>>
  /**
   * Grants and withdraws sectors by name, sets the level (2 to `highestLevel`), and puts the account into a group by name (null: into none); what is
   * not named stays.
   */
  readonly grant: (
    id: string,
    changes: {
      readonly sectors?: readonly string[]
      readonly withdraw?: readonly string[]
      readonly level?: number
      readonly group?: string | null
    }
  ) => Promise<GsResult<AdminAccount>>
  /** The groups, which lend their level to the accounts in them. */
  readonly groups: () => Promise<GsResult<readonly AdminGroup[]>>
  /** Ends all sessions of an account; says how many there were. */
  readonly endSessionsOf: (id: string) => Promise<GsResult<number>>
  /**
   * Makes the password void, ends all sessions and mails a link to set a new one. `mailed: false`: the address has had too many of these mails
   * in the last hour; the link of the last one still works.
   */
  readonly resetPassword: (id: string) => Promise<GsResult<{ readonly mailed: boolean }>>
  readonly deleteAccount: (id: string) => Promise<GsDone>
  /** Sessions, of one account or of all. */
  readonly sessions: (query?: AdminPageQuery & { readonly account?: string }) => Promise<GsResult<AdminSessionList>>
  readonly endSession: (id: string) => Promise<GsDone>
  /** The queue of mails, the latest first. */
  readonly mail: (query?: AdminPageQuery & { readonly state?: AdminMail['state'] }) => Promise<GsResult<AdminMailList>>
  /** Sends a mail now that waits or was given up. */
  readonly retryMail: (id: string) => Promise<GsDone>
  /** Takes a mail out of the queue. */
  readonly dropMail: (id: string) => Promise<GsDone>
  /** What admins and operators have done, the latest first: to one account, or at all. */
  readonly audit: (query?: AdminPageQuery & { readonly account?: string }) => Promise<GsResult<AuditList>>
}

/** After these the visitor may be no admin any more. */
const doubtful = new Set(['GS_NOT_FOUND', 'GS_FORBIDDEN'])

/** The calls of an admin, by way of the client of his session. */
export function createGsAdmin(client: SessionClient): GsAdmin {
  async function call<T>(
    path: string,
    read: (value: unknown) => T | null,
    options?: Parameters<SessionClient['call']>[1]
  ): Promise<GsResult<T>> {
    const result = await client.call(`/admin${path}`, options)
    if (!result.ok) {
      if (doubtful.has(result.error.code)) void client.refresh()
      return result
    }
    const value = read(result.value)
    return value === null ? { ok: false, error: badReplyFailure(200) } : { ok: true, value }
  }

  const list = <T>(path: string, query: object, read: (value: unknown) => T | null) => {
    const entries = Object.entries<unknown>({ limit: 20, ...query }).filter(([, value]) => value !== undefined && value !== '')
    return call(`${path}?${new URLSearchParams(entries.map(([name, value]) => [name, String(value)]))}`, read)
  }
  const at = (path: string, id: string, action = '') => `${path}/${encodeURIComponent(id)}${action}`
  const change = (id: string, action: string, body = {}) => call(at('/accounts', id, action), readAccount, { body })
  const callForNothing = async (path: string, options: { readonly method: 'DELETE' } | { readonly body: object }): Promise<GsDone> => {
    const result = await call(path, (value) => (Object(value) === value ? true : null), options)
    return result.ok ? { ok: true, value: null } : result
  }
  const remove = (path: string) => callForNothing(path, { method: 'DELETE' })

  return {
    accounts: ({ search, ...query } = {}) => list('/accounts', { ...query, search: search?.trim() }, readAccounts),
    account: (id) => call(at('/accounts', id), readAccount),
    verify: (id) => change(id, '/verify'),
    lock: (id) => change(id, '/lock'),
    unlock: (id) => change(id, '/unlock'),
    requirePasswordChange: (id) => change(id, '/require-password-change'),
    grant: (id, changes) => change(id, '/grant', changes),
    groups: () => call('/groups', readGroups),
    endSessionsOf: (id) =>
      call(at('/accounts', id, '/end-sessions'), (value) => numberOf((Object(value) as { ended?: unknown }).ended), { body: {} }),
    resetPassword: (id) => call(at('/accounts', id, '/reset-password'), readReset, { body: {} }),
    deleteAccount: (id) => remove(at('/accounts', id)),
    sessions: (query = {}) => list('/sessions', query, (value) => (isPage<AdminSessionList>(value, 'sessions', isSession) ? value : null)),
    endSession: (id) => remove(at('/sessions', id)),
    mail: (query = {}) => list('/mail', query, (value) => (isPage<AdminMailList>(value, 'mails', isMail) ? value : null)),
    retryMail: (id) => callForNothing(at('/mail', id, '/retry'), { body: {} }),
    dropMail: (id) => remove(at('/mail', id)),
    audit: (query = {}) => list('/audit', query, (value) => (isPage<AuditList>(value, 'entries', isAuditEntry) ? value : null))
  }
}

const numberOf = (value: unknown) => (typeof value === 'number' ? value : null)

function readAccount(value: unknown): AdminAccount | null {
  const { account } = Object(value) as { account?: unknown }
  return isAccount(account) ? account : null
}

function readAccounts(value: unknown): AdminAccountList | null {
  const { sectors, highestLevel } = Object(value) as Record<string, unknown>
  return isPage<AdminAccountList>(value, 'accounts', isAccount) && isTexts(sectors) && numberOf(highestLevel) !== null ? value : null
}

function readGroups(value: unknown): readonly AdminGroup[] | null {
  const { groups } = Object(value) as { groups?: unknown }
  return Array.isArray(groups) && groups.every(isGroup) ? groups : null
}

function readReset(value: unknown): { readonly mailed: boolean } | null {
  const { mailed } = Object(value) as { mailed?: unknown }
  return typeof mailed === 'boolean' ? { mailed } : null
}
