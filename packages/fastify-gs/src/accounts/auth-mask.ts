/** The four bits that fastify-gs itself sets; 4 to 31 are the application's sectors. */
export const AuthMask = { user: 1, admin: 2, verified: 4, forgot: 8 } as const

/** How long a redeemed lost-password link allows a new password without the current one, in ms. */
export const forgotWindow = 300_000

/** What the mask is computed from. */
export interface MaskSource {
  readonly admin: boolean
  readonly verified: boolean
  /** Bits 4–31, unsigned. */
  readonly sectors: number
  /** When the session redeemed a lost-password link, ms; null: never. */
  readonly forgotAt: number | null
}

/** The mask of a logged-in session, unsigned 32 bits. The forgot bit belongs to the session, not to the account. */
export function maskOf(source: MaskSource, now: number): number {
  let mask: number = AuthMask.user
  if (source.admin) mask |= AuthMask.admin
  if (source.verified) mask |= AuthMask.verified
  if (source.forgotAt !== null && now - source.forgotAt < forgotWindow) mask |= AuthMask.forgot
  return (mask | (source.sectors & ~0xf)) >>> 0
}

/** Whether `mask` has every bit of `needed`; both unsigned 32 bits, bit 31 included. */
export function satisfies(mask: number, needed: number): boolean {
  return (mask & needed) >>> 0 === needed
}
