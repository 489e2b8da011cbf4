import { adminLevel, maskBits, type SessionInfo } from '../../client/session-info.ts'
import type { GsState } from '../../client/session-store.ts'

const guestPanels = ['login', 'register', 'verify-email', 'forgot-password'] as const
const memberPanels = ['badge', 'account', 'new-password', 'change-password', 'change-email', 'sessions', 'delete-account', 'admin'] as const

/** What a visitor can choose to see. */
export type ChosenPanel = (typeof guestPanels)[number] | (typeof memberPanels)[number]

/** What the widget can show, one at a time. */
export type Panel = ChosenPanel | 'loading' | 'failed'

/** The panel for what is known about the session and what the visitor chose. */
export function panelFor(state: GsState, chosen: ChosenPanel | null): Panel {
  if (state.status !== 'ready') return state.status
  const { session } = state
  if (session.username === null) return guestPanels.find((panel) => panel === chosen) ?? 'login'
  if (chosen === 'admin' && session.level < adminLevel) return 'badge'
  return memberPanels.find((panel) => panel === chosen) ?? (canForgetPassword(session) ? 'new-password' : 'badge')
}

/** Whether a new password needs no current one: for five minutes after a lost-password link. */
export function canForgetPassword(session: SessionInfo): boolean {
  return (session.mask & maskBits.forgot) !== 0
}
