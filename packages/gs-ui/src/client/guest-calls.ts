import { badReplyFailure, type GsResult } from './api-errors.ts'
import type { GsDone, SessionClient } from './session-client.ts'
import type { SessionInfo } from './session-info.ts'

/** What somebody calls before he is logged in. */
export interface GuestCalls {
  /** Makes an account; a mail with a link follows. */
  readonly register: (input: { username: string; email: string; password: string }) => Promise<GsDone>
  /** Redeems the token of a verification link. */
  readonly verifyEmail: (input: { token: string }) => Promise<GsResult<SessionInfo>>
  /** Sends a link that logs in without the password. */
  readonly forgotPassword: (input: { username: string } | { email: string }) => Promise<GsDone>
  /** Mails a code that logs in once, if there is such an account (the server needs its option `loginCodes`). */
  readonly requestLoginCode: (input: { username: string }) => Promise<GsDone>
  /** Logs in with that code, and the same name; spaces and dashes in it do not matter. */
  readonly redeemLoginCode: (input: { username: string; code: string; remember?: boolean }) => Promise<GsResult<SessionInfo>>
  /** Redeems the token of a lost-password link: logged in, and for five minutes free to set a password. */
  readonly redeem: (input: { token: string }) => Promise<GsResult<SessionInfo>>
  /** Whether a user name is free. */
  readonly checkUsername: (username: string, options?: { signal?: AbortSignal }) => Promise<GsResult<{ available: boolean }>>
}

export function guestCalls({ call, callForNothing, callForSession }: SessionClient): GuestCalls {
  return {
    register: ({ username, email, password }) => callForNothing('/register', { username: username.trim(), email, password }),
    verifyEmail: ({ token }) => callForSession('/verify-email', { token }),
    forgotPassword: (input) => callForNothing('/forgot-password', input),
    requestLoginCode: ({ username }) => callForNothing('/login-code', { username: username.trim() }),
    redeemLoginCode: ({ username, code, remember = false }) =>
      callForSession('/login-code/redeem', { username: username.trim(), code: code.replaceAll(/[\s-]/g, ''), remember }),
    redeem: ({ token }) => callForSession('/forgot-password/redeem', { token }),
    checkUsername: async (username, options = {}) => {
      const result = await call(`/check?${new URLSearchParams({ username: username.trim() })}`, options)
      if (!result.ok) return result
      const { available } = Object(result.value) as { available?: unknown }
      return typeof available === 'boolean' ? { ok: true, value: { available } } : { ok: false, error: badReplyFailure(200) }
    }
  }
}
