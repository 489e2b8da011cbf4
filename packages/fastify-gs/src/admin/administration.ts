import { openPostgres } from '../database/postgres.ts'
import { openSqlite } from '../database/sqlite.ts'
import type { SessionEndListener } from '../hooks.ts'
import { resolveDatabase, type GsOptions, type GsPasswordOptions, type PasswordHasher, type Pepper } from '../options.ts'
import { createAdministration } from './create-administration.ts'
import type {
  AccountRecord,
  AuditRecord,
  GroupRecord,
  ImportedAccount,
  ImportOutcome,
  MailRecord,
  MailState,
  SessionRecord
} from './records.ts'

export type {
  AccountRecord,
  AccountStatus,
  AuditRecord,
  GroupRecord,
  ImportedAccount,
  ImportOutcome,
  MailRecord,
  MailState,
  SessionRecord
} from './records.ts'

export interface AdministrationOptions {
  /** The database of the server, as its option `database` names it; the server may run meanwhile. */
  readonly database: GsOptions['database']
  /** Hashes new passwords; only needed when the server has a `password.hasher` of its own. Default: argon2id like the server. */
  readonly hasher?: PasswordHasher
  /**
   * As `password.peppers` of the server: new passwords are hashed with the first. Default: none; the server verifies such hashes too, and
   * replaces them at the next login.
   */
  readonly peppers?: readonly Pepper[]
  /** As `password.blocklist` of the server. Default: 10000. */
  readonly blocklist?: NonNullable<GsPasswordOptions['blocklist']>
  /** Told about each session that this administration ends, after the commit; must not throw. Default: nobody. */
  readonly onSessionEnd?: SessionEndListener
  /** Who administers, for the audit: 1 to 200 characters. Default: `gs`. */
  readonly actor?: string
  /** Names of the application's mask bits, as the option of the server has them; the audit says the number of a bit that has none. Default: none. */
  readonly sectors?: readonly string[]
  /** The clock, ms since 1970; for tests. Default: `Date.now`. */
  readonly now?: () => number
}

/** Which part of a list. */
export interface Page {
  /** How many at most, 1 to 1000. Default: 50. */
  readonly limit?: number
  /** Continue behind this place: what `next` of the part before said. Default: the beginning. */
  readonly after?: string
}

/** Sectors to give and to take are bits 4–31 of the mask, unsigned; what is not named stays as it is. */
export interface Grant {
  /** Bits to add. */
  readonly sectors?: number
  /** Bits to take away. */
  readonly revokeSectors?: number
  /** The new level, 2 to 100; it counts while the account is in no group. */
  readonly level?: number
  /** Id of the group to put it into; null: none. */
  readonly group?: string | null
}

export interface NewAccountRequest {
  readonly username: string
  readonly email: string
  /** Null: none yet; the person sets one with "Forgot password". */
  readonly password: string | null
  /** Whether the operator vouches for the address. An account that is not verified in time is removed. Default: true. */
  readonly verified?: boolean
  /** Shortest password in characters. Default: 15. */
  readonly minLength?: number
  /** Whether the person has to choose a password of his own first; for those that somebody else knows. Default: false. */
  readonly mustChangePassword?: boolean
}

/** Which accounts a list shows. */
export type AccountState = 'verified' | 'unverified' | 'locked' | 'must-change-password'

/** How a password is set by an operator. */
export interface SetPasswordOptions {
  /** Shortest password in characters. Default: 15. */
  readonly minLength?: number
  /** Whether the person has to choose one of his own first. Default: false. */
  readonly mustChange?: boolean
}

/**
 * What an operator can do with accounts, sessions and mail, while the server runs or not. Methods that take the id of an account throw a
 * `GsError`: `GS_ACCOUNT_UNKNOWN` when there is none, `GS_CONFIGURED_ADMIN` when it is the admin of the configuration, who is changed
 * there; `GS_BUSY` when the database is out of reach. Wrong arguments throw a `GsOptionError`. What changes something is written down in
 * the audit, in the same transaction.
 */
export interface Administration {
  readonly accounts: {
    /** In the order of their names. `search` is a part of the user name or of the address. */
    readonly list: (
      query?: Page & { readonly search?: string; readonly state?: AccountState }
    ) => Promise<{ accounts: AccountRecord[]; next: string | null }>
    /**
     * By user name, e-mail address or id.
     *
     * @throws {GsOptionError} when it means several accounts: none of those that claim the address has proved it, or somebody has taken the
     * id of another account as his name
     */
    readonly find: (name: string) => Promise<AccountRecord | null>
    /** @throws {GsError} as for a registration: `GS_USERNAME_…`, `GS_EMAIL_…`, `GS_PASSWORD_…` */
    readonly add: (account: NewAccountRequest) => Promise<AccountRecord>
    /** Vouches for the address. @throws {GsError} `GS_EMAIL_TAKEN`: another account has proved it before */
    readonly verify: (id: string) => Promise<AccountRecord>
    /** Ends its sessions; nobody can log in until it is unlocked. */
    readonly lock: (id: string) => Promise<AccountRecord>
    /**
     * Opens it again, and forgets wrong passwords: one that too many had switched off is on. Links to set a new password that were mailed before
     * the lock stay void.
     */
    readonly unlock: (id: string) => Promise<AccountRecord>
    /** Removes the account with its sessions, links and waiting mails. */
    readonly delete: (id: string) => Promise<void>
    /** Ends nothing: sessions have the new rights at their next request. */
    readonly grant: (id: string, grant: Grant) => Promise<AccountRecord>
    /** Puts it into a group by its id, or with null into none. @throws {GsError} `GS_GROUP_UNKNOWN` */
    readonly setGroup: (id: string, groupId: string | null) => Promise<AccountRecord>
    /**
     * From the next request on nothing is open to the account, on all devices that are logged in, but to choose another password than the
     * present one, to log out, and to be deleted by its owner. Ends nothing. With `required: false` that is taken back.
     */
    readonly requirePasswordChange: (id: string, required?: boolean) => Promise<AccountRecord>
    /** The wrong passwords since the last right one, from browsers that are not known, and when the last of them came (ms since 1970); null: none. */
    readonly failures: (id: string) => Promise<{ count: number; lastAt: number } | null>
    /**
     * Ends its sessions, and switches a password on again that too many failures had switched off.
     *
     * @throws {GsError} `GS_PASSWORD_WEAK`, `GS_PASSWORD_INVALID`
     */
    readonly setPassword: (id: string, password: string, options?: SetPasswordOptions) => Promise<void>
  }
  /** Groups lend their members a level in the place of their own, up or down. Methods that take the id of one throw `GS_GROUP_UNKNOWN`. */
  readonly groups: {
    /** All of them, in the order of their names. */
    readonly list: () => Promise<GroupRecord[]>
    /** @throws {GsError} `GS_GROUP_INVALID`, `GS_GROUP_TAKEN` */
    readonly add: (group: { readonly name: string; readonly level: number }) => Promise<GroupRecord>
    /** Sessions of the members have the new level at their next request. @throws {GsError} `GS_GROUP_INVALID`, `GS_GROUP_TAKEN` */
    readonly set: (id: string, change: { readonly name?: string; readonly level?: number }) => Promise<GroupRecord>
    /** Its members have their own levels again. */
    readonly delete: (id: string) => Promise<void>
  }
  readonly sessions: {
    /** Newest first. `account` is the id of an account. Sessions that a running server would end for being idle are listed until it does. */
    readonly list: (query?: Page & { readonly account?: string }) => Promise<{ sessions: SessionRecord[]; next: string | null }>
    /** False: there is none with this id. */
    readonly end: (id: string) => Promise<boolean>
    /** Says how many ended. */
    readonly endAllOf: (accountId: string) => Promise<number>
  }
  readonly mail: {
    /** Newest first. */
    readonly list: (query?: Page & { readonly state?: MailState }) => Promise<{ mails: MailRecord[]; next: string | null }>
    /** Has the server try one mail, or with `all` every one that waits or is dead, again now; it notices within half a minute. Says how many. */
    readonly retry: (id: string) => Promise<number>
    /** Takes a mail that is not sent yet out of the queue. False: there is none. */
    readonly drop: (id: string) => Promise<boolean>
  }
  readonly audit: {
    /** What admins and operators have done in the last 400 days, newest first. `account` is the id of the account that it was done to. */
    readonly list: (query?: Page & { readonly account?: string }) => Promise<{ entries: AuditRecord[]; next: string | null }>
  }
  /** Of the database: the version of its tables, and the version before it was opened (0: it was new). */
  readonly schema: { readonly version: number; readonly migratedFrom: number }
  /**
   * Takes accounts of another system over, in one transaction per call. The outcomes stand in the order of the batch. A second run changes
   * nothing. A dry run writes nothing and says what would happen; give it everything in one call, because of two accounts that collide it
   * sees only those of the same call.
   *
   * @param source name of the other system, so that several can be imported: letters, digits and . _ - : / @
   */
  readonly importAccounts: (
    source: string,
    batch: readonly ImportedAccount[],
    options: {
      readonly dryRun: boolean
      /** User name of the admin in the server's configuration; needed only when the server has never run with this database. */
      readonly admin?: string
    }
  ) => Promise<ImportOutcome[]>
  readonly close: () => Promise<void>
}

/**
 * Opens the database of a server for its operator, and migrates it as the server does at its start. Nothing is sent or delivered from
 * here: that is the work of the server.
 *
 * @throws {GsOptionError} when `database`, or another option, is not what that of the server may be
 * @throws {GsStartError} when the database cannot be used
 */
export async function openAdministration(options: AdministrationOptions): Promise<Administration> {
  const place = resolveDatabase(options.database)
  const database =
    'sqlite' in place
      ? await openSqlite(place.sqlite)
      : // An idle connection that breaks is replaced; a query on a broken one fails by itself.
        await openPostgres(place.postgres, () => undefined)
  try {
    return createAdministration(database, options)
  } catch (error) {
    await database.close()
    throw error
  }
}
