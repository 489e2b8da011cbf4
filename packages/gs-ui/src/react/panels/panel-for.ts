import { adminLevel, maskBits, type SessionInfo } from '../../client/session-info.ts'
import type { GsState } from '../../client/session-store.ts'

const guestPanels = ['login', 'login-code', 'register', 'verify-email', 'forgot-password'] as const
type GuestPanel = (typeof guestPanels)[number]

/** What a visitor can choose to see. */
export type ChosenPanel =
  | GuestPanel
  | 'badge'
  | 'account'
  | 'new-password'
  | 'change-password'
  | 'change-email'
  | 'sessions'
  | 'delete-account'
  | 'admin'

/** What the widget can show, one at a time. */
export type Panel = ChosenPanel | 'must-change-password' | 'loading' | 'failed'

/** The panel for what is known about the session and what the visitor chose. */
export function panelFor(state: GsState, chosen: ChosenPanel | null): Panel {
  if (state.status !== 'ready') return state.status
  const { session } = state
  const isForGuests = guestPanels.includes(chosen as GuestPanel)
  if (session.username === null) return chosen !== null && isForGuests ? chosen : 'login'
  if (session.mustChangePassword) return 'must-change-password'
  if (chosen === 'admin' && session.level < adminLevel) return 'badge'
  if (chosen !== null && !isForGuests) return chosen
  return canForgetPassword(session) ? 'new-password' : 'badge'
}

/** Whether a new password needs no current one: for five minutes after a lost-password link. */
export function canForgetPassword(session: SessionInfo): boolean {
  return (session.mask & maskBits.forgot) !== 0
}
