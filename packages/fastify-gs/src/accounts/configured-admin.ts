import { createId, digest } from '../crypto/tokens.ts'
import { recordAccountChange } from '../database/changes.ts'
import type { GsDatabase } from '../database/database.ts'
import { GsStartError } from '../errors.ts'
import { AuthLevel } from './auth-level.ts'
import type { Identifier } from './identifiers.ts'
import { forgiveFailures } from './throttle.ts'

/** The admin as the options name it. */
export interface ConfiguredAdmin {
  readonly username: Identifier
  readonly passwordHash: string
  readonly email: Identifier | null
}

/**
 * Gives the configured admin the row that its sessions hang on. The password stays in the configuration: the row holds only a
 * fingerprint of the hash, so that a new password there ends the sessions of the old one. An admin who is no longer configured goes.
 *
 * @throws {GsStartError} when somebody has registered the name before
 */
export async function synchronizeConfiguredAdmin(database: GsDatabase, admin: ConfiguredAdmin | null, now: number): Promise<void> {
  await database.transaction(async (trx) => {
    const fingerprint = admin === null ? '' : `configured:${digest(admin.passwordHash)}`
    const gone = await trx
      .deleteFrom('gs_accounts')
      .where('configured', '=', 1)
      .$if(admin !== null, (query) =>
        query.where((eb) => eb.or([eb('username_key', '!=', admin!.username.key), eb('password_hash', '!=', fingerprint)]))
      )
      .returning('id')
      .execute()
    for (const { id } of gone) {
      await forgiveFailures(trx, id)
      await recordAccountChange(trx, id)
    }
    if (admin === null) return
    const values = {
      username: admin.username.value,
      email: admin.email?.value ?? null,
      email_key: admin.email?.key ?? null,
      level: AuthLevel.admin
    }
    const before = await trx
      .selectFrom('gs_accounts')
      .select(['id', 'username', 'email'])
      .where('username_key', '=', admin.username.key)
      .where('configured', '=', 1)
      .executeTakeFirst()
    await trx
      .insertInto('gs_accounts')
      .values({
        ...values,
        id: createId(),
        username_key: admin.username.key,
        verified_email_key: null,
        password_hash: fingerprint,
        configured: 1,
        created_at: now
      })
      .onConflict((conflict) => conflict.column('username_key').doUpdateSet(values).where('gs_accounts.configured', '=', 1))
      .execute()
    if (before !== undefined && (before.username !== values.username || before.email !== values.email))
      await recordAccountChange(trx, before.id)
    const row = await trx
      .selectFrom('gs_accounts')
      .select('configured')
      .where('username_key', '=', admin.username.key)
      .executeTakeFirstOrThrow()
    if (row.configured !== 1) {
      throw new GsStartError(
        `The option admin.username names "${admin.username.value}", but a visitor has registered that name; choose another name, or delete that account.`
      )
    }
  })
}
