/** A moment by both clocks of this device, ms. */
export interface Moment {
  /** Is never set, but stands still while some devices sleep. */
  readonly steady: number
  /** Goes on while the device sleeps, but may be set. */
  readonly wall: number
}

export const momentNow = (): Moment => ({ steady: performance.now(), wall: Date.now() })

/** The time since a moment, ms: at least and at most. They differ when the device has slept, or its clock was set. */
export function since({ steady, wall }: Moment): { readonly least: number; readonly most: number } {
  const now = momentNow()
  const least = now.steady - steady
  return { least, most: Math.max(least, now.wall - wall) }
}
