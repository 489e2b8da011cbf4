import { createArgon2Hasher } from '../crypto/passwords.ts'
import type { GsDatabase } from '../database/database.ts'
import { schemaVersion } from '../database/migrations.ts'
import type { Administration, AdministrationOptions } from './administration.ts'
import { createImportAccounts } from './import-accounts.ts'
import { manageAccounts } from './manage-accounts.ts'
import { manageMail } from './manage-mail.ts'
import { manageSessions } from './manage-sessions.ts'
import type { AdminServices } from './services.ts'

/** The administration of an open database, which it closes in the end. */
export function createAdministration(database: GsDatabase, options: Omit<AdministrationOptions, 'database'> = {}): Administration {
  const { hasher = createArgon2Hasher(), onSessionEnd, now = Date.now } = options
  const services: AdminServices = {
    database,
    hasher,
    now,
    ended(events) {
      if (onSessionEnd !== undefined) for (const event of events) onSessionEnd(event)
    }
  }
  return {
    accounts: manageAccounts(services),
    sessions: manageSessions(services),
    mail: manageMail(services),
    schema: { version: schemaVersion, migratedFrom: database.migratedFrom },
    importAccounts: createImportAccounts(services),
    close: () => database.close()
  }
}
