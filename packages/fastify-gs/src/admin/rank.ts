import { AuthLevel } from '../accounts/auth-level.ts'

/** What decides who stands above whom. */
export interface Ranked {
  readonly id: string
  readonly configured: boolean
  readonly level: number
}

/**
 * Whether an admin may change this account. The configured admin stands above everybody, and is himself changed only in the configuration;
 * any other admin stands above lower levels than his own, and so never above himself.
 */
export function standsAbove(admin: Ranked, account: Ranked): boolean {
  if (account.configured || account.id === admin.id) return false
  return admin.configured || account.level < admin.level
}

/** The highest level that an admin may grant. */
export function highestGrantable({ configured, level }: Ranked): number {
  return configured ? AuthLevel.root : Math.min(level - 1, AuthLevel.root)
}
