import { badReplyFailure, type GsResult } from './api-errors.ts'
import { parseSessionList, type ListedSession } from './listed-session.ts'
import type { GsDone, SessionClient } from './session-client.ts'
import type { SessionInfo } from './session-info.ts'

/** What somebody calls for his account. */
export interface AccountCalls {
  /** Sets a new password; `currentPassword` is not needed within five minutes after `redeem`. */
  readonly changePassword: (input: { password: string; currentPassword?: string }) => Promise<GsResult<SessionInfo>>
  /** Mails a link to the new address, which becomes that of the account when the link is opened. */
  readonly changeEmail: (input: { email: string; currentPassword: string }) => Promise<GsDone>
  /** Redeems the token of the link at the new address. */
  readonly redeemEmailChange: (input: { token: string }) => Promise<GsResult<SessionInfo>>
  /** Redeems the token of the link at the old address: that is the address again, and all sessions but this new one are over. */
  readonly undoEmailChange: (input: { token: string }) => Promise<GsResult<SessionInfo>>
  /** Where the account is logged in; this browser first. */
  readonly sessions: () => Promise<GsResult<readonly ListedSession[]>>
  /** Ends one of these sessions; says which are left. */
  readonly endSession: (id: string) => Promise<GsResult<readonly ListedSession[]>>
  /** Ends all of them but this one. */
  readonly endOtherSessions: () => Promise<GsResult<readonly ListedSession[]>>
  /** Calls `listener` when that list may be another one; returns the function that ends it. */
  readonly onSessionsChanged: (listener: () => void) => () => void
  /** Sets the language of the account, a BCP 47 tag like `de`: of its mails, and of what the server says to it. */
  readonly setLanguage: (language: string) => Promise<GsDone>
  /** Deletes the account. */
  readonly deleteAccount: (input: { currentPassword: string }) => Promise<GsResult<SessionInfo>>
}

export function accountCalls({ call, callForNothing, callForSession, callToLeave, onEvent }: SessionClient): AccountCalls {
  async function callForSessions(path: string, method?: 'DELETE'): Promise<GsResult<readonly ListedSession[]>> {
    const result = await call(path, method && { method })
    if (!result.ok) return result
    const sessions = parseSessionList(result.value)
    return sessions ? { ok: true, value: sessions } : { ok: false, error: badReplyFailure(200) }
  }

  return {
    changePassword: (input) => callForSession('/change-password', input),
    changeEmail: (input) => callForNothing('/change-email', input),
    redeemEmailChange: ({ token }) => callForSession('/change-email/redeem', { token }),
    undoEmailChange: ({ token }) => callForSession('/change-email/undo', { token }),
    sessions: () => callForSessions('/sessions'),
    endSession: (id) => callForSessions(`/sessions/${encodeURIComponent(id)}`, 'DELETE'),
    endOtherSessions: () => callForSessions('/sessions', 'DELETE'),
    onSessionsChanged: (listener) => onEvent(({ type }) => type === 'sessions' && listener()),
    setLanguage: (language) => callForNothing('/language', { language }),
    deleteAccount: ({ currentPassword }) => callToLeave('/delete-account', { currentPassword })
  }
}
