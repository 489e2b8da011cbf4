import { createArgon2Hasher } from '../crypto/passwords.ts'
import type { GsDatabase } from '../database/database.ts'
import { schemaVersion } from '../database/migrations.ts'
import { GsOptionError } from '../errors.ts'
import { resolveBlocklist, resolvePeppers } from '../options.ts'
import { readConnections } from '../live/connection-counts.ts'
import { operator } from './actor.ts'
import type { Administration, AdministrationOptions } from './administration.ts'
import { createAuditedTransaction, readAudit } from './audit.ts'
import { createImportAccounts } from './import-accounts.ts'
import { manageAccounts } from './manage-accounts.ts'
import { manageGroups } from './manage-groups.ts'
import { manageMail } from './manage-mail.ts'
import { manageSessions } from './manage-sessions.ts'
import type { AdminServices } from './services.ts'

function checkActor(name: unknown): string {
  if (typeof name !== 'string' || !/^[^\p{Cc}\p{Cs}]{1,200}$/u.test(name))
    throw new GsOptionError('The option actor must be a text of 1 to 200 characters: who administers, for the audit.')
  return name
}

/** The administration of an open database, which it closes in the end. */
export function createAdministration(database: GsDatabase, options: Omit<AdministrationOptions, 'database'> = {}): Administration {
  const { onSessionEnd, sectors = [], now = Date.now } = options
  const peppers = resolvePeppers(options.peppers, options.hasher !== undefined)
  const hasher = options.hasher ?? createArgon2Hasher({ peppers })
  const actor = operator(checkActor(options.actor ?? 'gs'))
  const services: AdminServices = {
    database,
    hasher,
    blocklist: resolveBlocklist(options.blocklist),
    now,
    actor,
    audited: createAuditedTransaction(database, actor, now),
    sectors,
    connectionsOf: (ids) => readConnections(database.db, ids, now()),
    ended(events) {
      if (onSessionEnd !== undefined) for (const event of events) onSessionEnd(event)
    }
  }
  return {
    accounts: manageAccounts(services),
    groups: manageGroups(services),
    sessions: manageSessions(services),
    mail: manageMail(services),
    audit: readAudit(database.db),
    schema: { version: schemaVersion, migratedFrom: database.migratedFrom },
    importAccounts: createImportAccounts(services),
    close: () => database.close()
  }
}
