import type { Selectable } from 'kysely'
import { createId, digest, type KeyRing } from '../crypto/tokens.ts'
import type { Db, Trx } from '../database/database.ts'
import type { LinksTable } from '../database/schema.ts'

export type LinkPurpose = LinksTable['purpose']

/**
 * The token of a link is computed from its id with the server's key, so neither the database nor the outbox ever holds it,
 * and a mail that is sent again carries the same token. 192 bits of signature behind a public id. Links of the purpose `login-code` are
 * never mailed: their token only tells which key made them, and the code comes from another signature (see login-codes.ts).
 */
const tokenLength = 32
const tokenOf = (signature: string, id: string) => `${id}${signature}`
const tokenPattern = /^[\w-]{48}$/

export interface IssuedLink {
  readonly id: string
}

interface NewLink {
  readonly purpose: LinkPurpose
  readonly accountId: string
  readonly email: string
  readonly now: number
  readonly lifetime: number
}

/**
 * Issues a link; older ones of the same purpose for the account are void from now on. Not those that undo a change of the address: each is
 * the way back for the owner of one mailbox, whatever happens to the account later.
 */
export async function issueLink(trx: Trx, keys: KeyRing, link: NewLink): Promise<IssuedLink> {
  // Takes the account's row, so that on PostgreSQL simultaneous calls wait for each other: they would not see, and so not void, each
  // other's link.
  await trx
    .updateTable('gs_accounts')
    .set((eb) => ({ created_at: eb.ref('created_at') }))
    .where('id', '=', link.accountId)
    .execute()
  const undoes = link.purpose === 'undo-email'
  if (!undoes) await voidLinks(trx, link.accountId, link.now, link.purpose)
  const issuedAt = undoes ? await afterOtherUndoLinks(trx, link) : link.now
  const id = createId()
  await trx
    .insertInto('gs_links')
    .values({
      id,
      token_hash: digest(tokenOf(keys.sign(link.purpose, id, tokenLength), id)),
      purpose: link.purpose,
      account_id: link.accountId,
      email: link.email,
      created_at: issuedAt,
      expires_at: link.now + link.lifetime,
      used_at: null
    })
    .execute()
  return { id }
}

/** They have an order that no clock which was set back can turn around: see {@link voidUndoLinks}. */
async function afterOtherUndoLinks(trx: Trx, { accountId, now }: NewLink): Promise<number> {
  const { latest } = await trx
    .selectFrom('gs_links')
    .select((eb) => eb.fn.max('created_at').as('latest'))
    .where('account_id', '=', accountId)
    .where('purpose', '=', 'undo-email')
    .executeTakeFirstOrThrow()
  return latest === null ? now : Math.max(now, latest + 1)
}

export type StoredLink = Pick<Selectable<LinksTable>, 'id' | 'purpose' | 'token_hash'>

/** The token of a link, and which key of the ring made it; null: that key has been retired. */
export function madeBy(keys: KeyRing, { id, purpose, token_hash: hash }: StoredLink): { key: number; token: string } | null {
  const tokens = keys.signAll(purpose, id, tokenLength).map((signature) => tokenOf(signature, id))
  const key = tokens.findIndex((token) => digest(token) === hash)
  return key === -1 ? null : { key, token: tokens[key]! }
}

/** The token of an open link, for the mail; null: the link is used, void, expired or gone, or its key has been retired. */
export async function tokenOfLink(db: Db, keys: KeyRing, id: string, now: number): Promise<string | null> {
  const row = await db
    .selectFrom('gs_links')
    .select(['id', 'token_hash', 'purpose', 'expires_at', 'used_at'])
    .where('id', '=', id)
    .executeTakeFirst()
  if (row === undefined || row.used_at !== null || row.expires_at <= now) return null
  return madeBy(keys, row)?.token ?? null
}

export type Redemption =
  | { readonly ok: true; readonly accountId: string; readonly email: string; readonly issuedAt: number }
  | { readonly ok: false; readonly reason: 'invalid' | 'expired' | 'used' }

/** Redeems a token once: of any number of simultaneous calls, in any number of processes, one wins. */
export async function redeemLink(db: Db, purpose: LinkPurpose, token: string, now: number): Promise<Redemption> {
  if (!tokenPattern.test(token)) return { ok: false, reason: 'invalid' }
  const hash = digest(token)
  // The account's row before the link's, as all take them who make links void: on PostgreSQL they would else wait for each other.
  await db
    .updateTable('gs_accounts')
    .set((eb) => ({ created_at: eb.ref('created_at') }))
    .where('id', '=', (eb) => eb.selectFrom('gs_links').select('account_id').where('token_hash', '=', hash).where('used_at', 'is', null))
    .execute()
  const redeemed = await db
    .updateTable('gs_links')
    .set({ used_at: now })
    .where('token_hash', '=', hash)
    .where('purpose', '=', purpose)
    .where('used_at', 'is', null)
    .where('expires_at', '>', now)
    .returning(['account_id', 'email', 'created_at'])
    .executeTakeFirst()
  if (redeemed !== undefined) return { ok: true, accountId: redeemed.account_id, email: redeemed.email, issuedAt: redeemed.created_at }

  const row = await db
    .selectFrom('gs_links')
    .select('used_at')
    .where('token_hash', '=', hash)
    .where('purpose', '=', purpose)
    .executeTakeFirst()
  if (row === undefined) return { ok: false, reason: 'invalid' }
  return { ok: false, reason: row.used_at === null ? 'expired' : 'used' }
}

/** What a newer fact about the account may make void. */
export type VoidablePurpose = Exclude<LinkPurpose, 'undo-email'>

/**
 * Makes the open links of an account void; of the given purposes, or of all. Links that undo a change of the address stay: whoever has
 * taken an account could make the owner's way back void by them.
 */
export async function voidLinks(db: Db, accountId: string, now: number, ...purposes: VoidablePurpose[]): Promise<void> {
  const update = db.updateTable('gs_links').set({ used_at: now }).where('account_id', '=', accountId).where('used_at', 'is', null)
  await (purposes.length === 0 ? update.where('purpose', '!=', 'undo-email') : update.where('purpose', 'in', purposes)).execute()
}

/**
 * Makes those links of an account void that undo its changes of address from the given one on. Earlier ones stay: their owner was there
 * before.
 */
export async function voidUndoLinks(db: Db, accountId: string, now: number, issuedFrom: number): Promise<void> {
  await db
    .updateTable('gs_links')
    .set({ used_at: now })
    .where('account_id', '=', accountId)
    .where('purpose', '=', 'undo-email')
    .where('created_at', '>=', issuedFrom)
    .where('used_at', 'is', null)
    .execute()
}

/** Forgets links that ended before the given time; until then a late click is told why it fails. */
export async function pruneLinks(db: Db, endedBefore: number): Promise<void> {
  await db.deleteFrom('gs_links').where('expires_at', '<', endedBefore).execute()
}
