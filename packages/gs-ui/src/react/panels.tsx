'use client'

import { useEffect, useRef, useState, type ReactNode } from 'react'
import type { NoticeKey } from './notices.ts'
import type { ChosenPanel } from './panels/panel-for.ts'
import { useSession } from './use-gs.ts'
import { Widget, type WidgetLooks } from './widget.tsx'

/** Props of the single panels. */
export interface GsPanelProps extends WidgetLooks {
  /** What the panel is for has happened: somebody logged in, a mail was sent, the password was changed … */
  readonly onDone?: () => void
  /** Makes a link that leads back, and is called by it (default: there is none). */
  readonly onBack?: () => void
  /** Somebody wants to see another panel, such as `register`. Without it that panel takes the place of this one in the card. */
  readonly onOpen?: (panel: GsPanelName) => void
}

/** Props of the single panels for somebody who is logged in. */
export interface GsMemberPanelProps extends GsPanelProps {
  /** What stands there while nobody is logged in (default: the login). */
  readonly guest?: ReactNode
}

/** Names of the panels: what `data-panel` says, and `onOpen` is called with. */
export type GsPanelName = ChosenPanel

interface Single {
  readonly home: ChosenPanel
  /** With this notice, or with this panel, it is done. */
  readonly done?: NoticeKey | ChosenPanel
  /** What lies behind it in the whole widget. */
  readonly behind?: readonly ChosenPanel[]
}

function single({ home, done, behind = [] }: Single): (props: GsMemberPanelProps) => ReactNode {
  return function GsPanel({ onDone, onBack, onOpen, guest, ...looks }) {
    const { session } = useSession()
    const [round, setRound] = useState(0)

    function onShow(next: ChosenPanel | null, notice: NoticeKey | null): ChosenPanel | null {
      const isDone = done !== undefined && (notice === done || next === done)
      if (isDone) onDone?.()
      if (next !== null && behind.includes(next)) {
        if (isDone) setRound(round + 1)
        else if (notice === null) onBack?.()
        return home
      }
      if (next === null || isDone || notice !== null || next === home || onOpen === undefined) return next
      onOpen(next)
      return home
    }

    const widget = <Widget {...looks} home={home} alone={onBack === undefined} round={round || ''} onShow={onShow} />
    return guest !== undefined && session?.username === null ? guest : widget
  }
}

function singleLogin(home: 'login' | 'login-code'): (props: GsPanelProps) => ReactNode {
  const Login = single({ home, behind: home === 'login' ? [] : ['login'] })
  return function GsLoginPanel(props) {
    const { status, session } = useSession()
    const { onDone } = props
    const name = session?.username ?? null
    const before = useRef<string | null | undefined>(undefined)
    useEffect(() => {
      if (status !== 'ready') return
      if (before.current === null && name !== null) onDone?.()
      before.current = name
    }, [status, name, onDone])
    return <Login {...props} />
  }
}

/** The login. Somebody who is logged in sees who he is. */
export const GsLoginPanel: (props: GsPanelProps) => ReactNode = singleLogin('login')

/** Logs in with a code that comes by mail. The server needs its option `loginCodes` for that. */
export const GsLoginCodePanel: (props: GsPanelProps) => ReactNode = singleLogin('login-code')

/** Sign up. It is done when the mail with the link is on its way. */
export const GsRegisterPanel: (props: GsPanelProps) => ReactNode = single({ home: 'register', done: 'verify-email' })

/** Asks for a link that logs in without the password. It is done when the mail is on its way. */
export const GsForgotPasswordPanel: (props: GsPanelProps) => ReactNode = single({ home: 'forgot-password', done: 'sent' })

/** Who is logged in, with ways to the account and out. It is done when he has logged out. */
export const GsBadge: (props: GsMemberPanelProps) => ReactNode = single({ home: 'badge', done: 'loggedout' })

/** What one can do with the own account. */
export const GsAccountPanel: (props: GsMemberPanelProps) => ReactNode = single({ home: 'account', behind: ['badge'] })

/** Sets another password. */
export const GsChangePasswordPanel: (props: GsMemberPanelProps) => ReactNode = single({
  home: 'change-password',
  done: 'changed',
  behind: ['account', 'badge']
})

/** Asks for another address. It is done when the mail with the link is on its way there. */
export const GsChangeEmailPanel: (props: GsMemberPanelProps) => ReactNode = single({
  home: 'change-email',
  done: 'emailsent',
  behind: ['account', 'badge']
})

/** Where somebody is logged in, and how to end that. */
export const GsSessionsPanel: (props: GsMemberPanelProps) => ReactNode = single({ home: 'sessions', behind: ['account', 'badge'] })

/** Deletes the own account. It is done when there is none any more. */
export const GsDeleteAccountPanel: (props: GsMemberPanelProps) => ReactNode = single({
  home: 'delete-account',
  done: 'deleted',
  behind: ['account', 'badge']
})

/** What an admin does with the accounts of others. Who is none sees who he is. */
export const GsAdminPanel: (props: GsMemberPanelProps) => ReactNode = single({ home: 'admin', behind: ['badge'] })
