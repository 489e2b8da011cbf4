/** The ordered way to say what somebody may do; the gaps are for the application. */
export const AuthLevel = {
  none: 0,
  anonymous: 1,
  'logged-in': 2,
  user: 10,
  customer: 20,
  staff: 30,
  moderator: 40,
  admin: 50,
  root: 100,
  /** More than anybody has: nobody passes. */
  nobody: 125
} as const

export type AuthLevelName = keyof typeof AuthLevel

/** From this level on a resource hides itself from logged-in visitors who are below. */
export const lowestRole = AuthLevel.user
