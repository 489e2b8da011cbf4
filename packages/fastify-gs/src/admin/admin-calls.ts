import type { FastifyRequest } from 'fastify'
import { findAccountById } from '../accounts/accounts.ts'
import { AuthLevel } from '../accounts/auth-level.ts'
import { findGroupByName } from '../accounts/groups.ts'
import type {
  AdminAccount,
  AdminAccountList,
  AdminAccountsQuery,
  AdminAuditQuery,
  AdminGrantBody,
  AdminGroup,
  AdminGroupBody,
  AdminGroupChange,
  AdminGroupList,
  AdminMailList,
  AdminMailQuery,
  AdminSessionList,
  AdminSessionsQuery,
  AuditList
} from '../api.ts'
import { createArgon2Hasher } from '../crypto/passwords.ts'
import type { Trx } from '../database/database.ts'
import { gsError, GsOptionError } from '../errors.ts'
import { requireAccount, requireLogin, type FlowServices } from '../flows/shared/flow.ts'
import { isAlive } from '../sessions/sessions.ts'
import { readableUserAgent } from '../sessions/user-agent.ts'
import { visible } from '../sessions/visible.ts'
import { levelAfterChange } from '../sessions/visit.ts'
import type { AdminActor } from './actor.ts'
import { createAuditedTransaction, readAudit } from './audit.ts'
import { manageAccounts, namesOfSectors, recordOf } from './manage-accounts.ts'
import { manageGroups } from './manage-groups.ts'
import { manageMail } from './manage-mail.ts'
import { countSessions, manageSessions } from './manage-sessions.ts'
import { highestGrantable, standsAbove, type Ranked } from './rank.ts'
import type { AccountRecord, GroupRecord } from './records.ts'
import { resetPassword } from './reset-password.ts'
import type { AdminServices } from './services.ts'

/**
 * What an admin can do through the network, for one request; ids are what the address says. Changes throw `GS_RANK` and
 * `GS_CONFIGURED_ADMIN`; unknown ids `GS_ACCOUNT_UNKNOWN`, `GS_SESSION_UNKNOWN`, `GS_MAIL_UNKNOWN`; wrong queries `GS_QUERY_INVALID`.
 */
export interface AdminCalls {
  readonly listAccounts: (query: AdminAccountsQuery) => Promise<AdminAccountList>
  readonly account: (id: string) => Promise<AdminAccount>
  readonly deleteAccount: (id: string) => Promise<void>
  readonly verify: (id: string) => Promise<AdminAccount>
  readonly lock: (id: string) => Promise<AdminAccount>
  readonly unlock: (id: string) => Promise<AdminAccount>
  /** @throws {GsError} `GS_SECTOR_UNKNOWN`, `GS_GROUP_UNKNOWN` */
  readonly grant: (id: string, wanted: AdminGrantBody) => Promise<AdminAccount>
  readonly listGroups: () => Promise<AdminGroupList>
  /** @throws {GsError} `GS_GROUP_INVALID`, `GS_GROUP_TAKEN` */
  readonly addGroup: (group: AdminGroupBody) => Promise<AdminGroup>
  /** @throws {GsError} `GS_GROUP_UNKNOWN`, `GS_GROUP_INVALID`, `GS_GROUP_TAKEN` */
  readonly setGroup: (id: string, change: AdminGroupChange) => Promise<AdminGroup>
  /** @throws {GsError} `GS_GROUP_UNKNOWN` */
  readonly deleteGroup: (id: string) => Promise<void>
  /** Says how many ended. */
  readonly endSessionsOf: (id: string) => Promise<number>
  readonly requirePasswordChange: (id: string) => Promise<AdminAccount>
  /** Says whether the mail was queued. @throws {GsError} `GS_ACCOUNT_LOCKED` */
  readonly resetPassword: (id: string) => Promise<boolean>
  readonly listSessions: (query: AdminSessionsQuery) => Promise<AdminSessionList>
  readonly endSession: (id: string) => Promise<void>
  readonly listMail: (query: AdminMailQuery) => Promise<AdminMailList>
  readonly dropMail: (id: string) => Promise<void>
  readonly retryMail: (id: string) => Promise<void>
  readonly listAudit: (query: AdminAuditQuery) => Promise<AuditList>
}

interface PageQuery {
  readonly limit?: string | undefined
  readonly after?: string | undefined
}

const wrongQuery = (field: string, reason: string) => gsError('GS_QUERY_INVALID', { field, reason: `${field} ${reason}.` })

function pageOf({ limit: asked = '50', after }: PageQuery): { limit: number; after?: string } {
  const limit = Number(asked)
  if (!(limit >= 1 && limit <= 100)) throw wrongQuery('limit', 'must be a whole number from 1 to 100')
  // PostgreSQL has no NUL in texts.
  if (after?.includes('\0')) throw wrongQuery('after', 'is no place in this list')
  return { limit, ...(after !== undefined && { after }) }
}

/** The only arguments of a list that can be wrong here are the places. */
async function listed<T>(list: () => Promise<T>): Promise<T> {
  try {
    return await list()
  } catch (error) {
    throw error instanceof GsOptionError ? wrongQuery('after', 'is no place in this list') : error
  }
}

/** What is no id is that of nobody. */
const idOf = (text: string) => (/^[\w-]{1,64}$/.test(text) ? text : '')

const accountOf = (id: string | undefined) => (id === undefined ? {} : { account: idOf(id) })

function sectorBits(wanted: readonly string[], field: 'sectors' | 'withdraw', names: readonly string[]): number {
  let bits = 0
  for (const name of wanted) {
    const index = names.indexOf(name)
    if (index < 0) throw gsError('GS_SECTOR_UNKNOWN', { field, reason: JSON.stringify(visible(name)) })
    bits |= 1 << (index + 4)
  }
  return bits >>> 0
}

/** @returns what throws `GS_NOT_LOGGED_IN` or `GS_NOT_FOUND` for who is no admin, `GS_PASSWORD_CHANGE_REQUIRED` for one who must do that first */
export function createAdminCalls(services: FlowServices): (request: FastifyRequest) => AdminCalls {
  const { activity, connections, database, events, options, outbox } = services
  const { now, sectors } = options
  const { db } = database
  const hasher = options.password.hasher ?? createArgon2Hasher({ peppers: options.password.peppers })

  const actorOf = (request: FastifyRequest, admin: Ranked & { username: string }, sessionId: string): AdminActor => ({
    name: admin.username,
    accountId: admin.id,
    ip: request.ip,
    mayChange(trx, account, newLevel = 0) {
      if (account.configured) throw gsError('GS_CONFIGURED_ADMIN')
      return requireRank(
        trx,
        request,
        sessionId,
        admin.id,
        account.id,
        (current) => standsAbove(current, account) && newLevel <= highestGrantable(current)
      )
    },
    mayLend: (trx, levels) =>
      requireRank(trx, request, sessionId, admin.id, null, (current) => levels.every((level) => level <= highestGrantable(current)))
  })

  const requireRank = async (
    trx: Trx,
    request: FastifyRequest,
    sessionId: string,
    adminId: string,
    accountId: string | null,
    isHighEnough: (current: Ranked) => boolean
  ) => {
    // Not what he was when the request came: somebody may have changed it, or ended his session, in the meantime.
    if (!(await isAlive(trx, sessionId))) throw gsError('GS_NOT_LOGGED_IN')
    const current = await findAccountById(trx, adminId)
    const isAdmin =
      current !== null &&
      !current.locked &&
      !current.mustChangePassword &&
      (current.configured || (current.verified && current.level >= AuthLevel.admin))
    if (isAdmin && isHighEnough(current)) return
    request.log.warn(
      { gs: 'admin', outcome: 'refused', route: request.routeOptions.url, actorId: adminId, accountId, ip: request.ip },
      'an admin may not make this change'
    )
    throw gsError('GS_RANK')
  }

  return (request) => {
    const visit = requireLogin(request)
    // The policy of the route has said it already; a route that forgot it must not open everything.
    if (levelAfterChange(visit) < AuthLevel.admin) throw gsError('GS_NOT_FOUND')
    requireAccount(request)
    const admin = { ...visit.account, level: visit.level }
    const actor = actorOf(request, admin, visit.session.id)
    const administration: AdminServices = {
      database,
      hasher,
      blocklist: options.password.blocklist,
      now,
      actor,
      audited: createAuditedTransaction(database, actor, now, ({ action, accountId }) =>
        request.log.info({ gs: 'admin', action, actorId: admin.id, accountId, ip: request.ip }, 'an admin has changed something')
      ),
      sectors,
      connectionsOf: connections.of,
      ended: events.ended
    }
    const accounts = manageAccounts(administration)
    const groups = manageGroups(administration)
    const sessions = manageSessions(administration)
    const mail = manageMail(administration)
    const audit = readAudit(db)

    const describe = (record: AccountRecord, sessions: number): AdminAccount => ({
      id: record.id,
      username: record.username,
      email: record.email,
      verified: record.verified,
      configured: record.configured,
      changeable: standsAbove(admin, { ...record, level: record.effectiveLevel }),
      level: record.level,
      effectiveLevel: record.effectiveLevel,
      group: record.group,
      sectors: namesOfSectors(record.sectors, sectors),
      status: record.status,
      visits: record.visits,
      lastLoginAt: record.lastLoginAt,
      mustChangePassword: record.mustChangePassword,
      createdAt: record.createdAt,
      lockedAt: record.lockedAt,
      sessions
    })
    const describeGroup = (group: GroupRecord): AdminGroup => ({ ...group, changeable: group.level <= highestGrantable(admin) })
    const withSessions = async (records: readonly AccountRecord[]) => {
      const counts = await countSessions(
        db,
        records.map(({ id }) => id),
        now()
      )
      return records.map((record) => describe(record, counts.get(record.id) ?? 0))
    }
    const changed = async (record: Promise<AccountRecord>) => {
      const [account] = await withSessions([await record])
      outbox.wake()
      return account!
    }

    return {
      async listAccounts({ search, state, ...page }) {
        const found = await listed(() =>
          accounts.list({ ...pageOf(page), ...(search !== undefined && { search }), ...(state !== undefined && { state }) })
        )
        return {
          accounts: await withSessions(found.accounts),
          next: found.next,
          sectors: [...sectors],
          highestLevel: highestGrantable(admin)
        }
      },
      async account(id) {
        const [account] = await withSessions([await recordOf(db, idOf(id))])
        return account!
      },
      async deleteAccount(id) {
        await accounts.delete(idOf(id))
        outbox.wake()
      },
      verify: (id) => changed(accounts.verify(idOf(id))),
      lock: (id) => changed(accounts.lock(idOf(id))),
      unlock: (id) => changed(accounts.unlock(idOf(id))),
      async grant(id, { sectors: add = [], withdraw = [], level, group: name }) {
        const bits = { sectors: sectorBits(add, 'sectors', sectors), revokeSectors: sectorBits(withdraw, 'withdraw', sectors) }
        const group = name === undefined ? undefined : name === null || name === '' ? null : (await findGroupByName(db, name))?.id
        if (name !== undefined && group === undefined) throw gsError('GS_GROUP_UNKNOWN', { field: 'group' })
        return changed(accounts.grant(idOf(id), { ...bits, ...(level !== undefined && { level }), ...(group !== undefined && { group }) }))
      },
      async listGroups() {
        return { groups: (await groups.list()).map(describeGroup) }
      },
      addGroup: async ({ name, level }) => describeGroup(await groups.add({ name, level })),
      setGroup: async (id, { name, level }) =>
        describeGroup(await groups.set(idOf(id), { ...(name !== undefined && { name }), ...(level !== undefined && { level }) })),
      deleteGroup: (id) => groups.delete(idOf(id)),
      async endSessionsOf(id) {
        const { id: known } = await recordOf(db, idOf(id))
        return sessions.endAllOf(known)
      },
      requirePasswordChange: (id) => changed(accounts.requirePasswordChange(idOf(id))),
      async resetPassword(id) {
        const mailed = await resetPassword(services, administration, idOf(id))
        outbox.wake()
        return mailed
      },

      async listSessions({ account, ...page }) {
        const found = await listed(() => sessions.list({ ...accountOf(account), ...pageOf(page) }))
        return {
          sessions: found.sessions.map((session) => {
            const use = activity.latestUse(session.id, { at: session.lastActiveAt, ip: session.ip })
            return {
              ...session,
              current: session.id === visit.session.id,
              lastActiveAt: use.at,
              ip: visible(use.ip),
              userAgent: readableUserAgent(session.userAgent)
            }
          }),
          next: found.next
        }
      },
      async endSession(id) {
        if (!(await sessions.end(idOf(id)))) throw gsError('GS_SESSION_UNKNOWN')
      },

      async listMail({ state, ...page }) {
        const found = await listed(() => mail.list({ ...pageOf(page), ...(state !== undefined && { state }) }))
        const mails = found.mails.map((one) => ({
          ...one,
          recipient: visible(one.recipient),
          lastError: one.lastError === null ? null : visible(one.lastError)
        }))
        return { mails, next: found.next }
      },
      async dropMail(id) {
        if (!(await mail.drop(idOf(id)))) throw gsError('GS_MAIL_UNKNOWN')
      },
      async retryMail(id) {
        // "all" is a word of the administration, not the id of a mail.
        if (id === 'all' || (await mail.retry(idOf(id))) === 0) throw gsError('GS_MAIL_UNKNOWN')
        outbox.wake()
      },

      async listAudit({ account, ...page }) {
        const found = await listed(() => audit.list({ ...accountOf(account), ...pageOf(page) }))
        return {
          entries: found.entries.map((entry) => ({ ...entry, ip: entry.ip === null ? null : visible(entry.ip) })),
          next: found.next
        }
      }
    }
  }
}
