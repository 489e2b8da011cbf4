/** Tokens that are not to be accepted any more, though their time is not over. */
export type Denial = (
  | { /** One token. */ readonly jti: string }
  | { /** All tokens of a subject that were issued until now. */ readonly sub: string }
  | { /** All tokens of a session (claim `sid`) that were issued until now. */ readonly sid: string }
) & {
  /** Tokens that were issued later are not meant, ms since 1970. */
  readonly before: number
  /** When the last token that is meant has expired: from then on the denial can be forgotten, ms since 1970. */
  readonly until: number
}

/** What denials look at. */
export interface DeniableToken {
  readonly jti?: string
  readonly sub?: string
  readonly sid?: string
}

/**
 * A list of denials. Looking something up takes constant memory, however long it is. What cannot be asked throws (or rejects with)
 * `JwtUnavailableError`; nobody is let in meanwhile.
 */
export interface Denylist {
  /**
   * Denies. When it is done, every process that shares the list refuses, and no crash undoes it. Denying twice is denying once, with the later
   * `before` and the later `until`: an earlier denial is never weakened.
   *
   * @param now ms since 1970; with it, a few denials that are over are forgotten, too
   * @throws {TypeError} (or rejects) the denial names nothing, or several things, or its times are none
   */
  readonly deny: (denial: Denial, now?: number) => void | Promise<void>
  /**
   * The latest `before` of all denials that name the token (its `jti`, `sub` or `sid`) and are not forgotten, ms since 1970; 0: none. The
   * token is denied if it was issued then or earlier. Synchronous where the store is.
   */
  readonly deniedBefore: (token: DeniableToken, now: number) => number | Promise<number>
  /**
   * Remembers that a session has tokens, so that a process that starts after a crash can find out whether it is still there.
   *
   * @param until when the last of its tokens expires, ms since 1970; the latest one counts
   */
  readonly rememberSession?: (sid: string, until: number) => void | Promise<void>
  /** The sessions that have tokens, by `rememberSession`; those whose tokens have all expired are forgotten. */
  readonly rememberedSessions?: (now: number) => readonly string[] | Promise<readonly string[]>
  /** Whether no other process can have put anything into it, nor looks into it. Default: false. */
  readonly ofThisProcess?: boolean
  /** Called when the server closes. */
  readonly close?: () => void | Promise<void>
}
