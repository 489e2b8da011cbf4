'use client'

import { useEffect, useRef, type ReactNode } from 'react'
import type { Member } from '../../client/session-info.ts'
import type { NoticeKey } from '../notices.ts'
import type { ChosenPanel } from '../panels/panel-for.ts'
import type { PanelProps } from '../panels/panel-props.ts'
import { canForgetPassword, goOn } from '../toolkit.ts'
import { Badge } from './badge.tsx'
import { Account } from './account.tsx'
import { ChangeEmailForm } from './change-email-form.tsx'
import { ChangePasswordForm } from './change-password-form.tsx'
import { DeleteAccountForm } from './delete-account-form.tsx'
import { Sessions } from './sessions.tsx'

export { endings } from '../../texts/endings.ts'

interface AccountPanelsProps extends PanelProps {
  readonly session: Member
  readonly gravatar: boolean
}

/** Everything that somebody does with his account. */
export function AccountPanels({ panel, session, passwordHint, gravatar, home, alone, show }: AccountPanelsProps): ReactNode {
  const { username, email, verified } = session
  const account = () => show('account')
  const badge = () => show('badge')
  const backTo = (before: () => void) => (alone ? undefined : before)
  const seen = useRef(panel)
  useEffect(() => {
    seen.current = panel
  }, [panel])

  /** What an answer leads to. Who has gone on before it came stays where he is, and is told. */
  const arrive = (next: ChosenPanel, notice: NoticeKey) => show(seen.current === panel ? next : (seen.current as ChosenPanel), notice)

  switch (panel) {
    case 'badge':
      return (
        <Badge
          session={session}
          gravatar={gravatar}
          onAccount={account}
          onAdmin={() => show('admin')}
          onChangeEmail={() => show('change-email')}
          onLogout={() => show(null, 'loggedout')}
          onResent={() => show('badge', 'resent')}
        />
      )
    case 'must-change-password':
      return (
        <ChangePasswordForm
          username={username}
          passwordHint={passwordHint}
          forgotten={canForgetPassword(session)}
          must
          onChanged={(changed) => {
            show(home, 'changed')
            goOn(changed)
          }}
          onSent={() => show(home, 'mailed')}
          onCancel={undefined}
          onLogout={() => show(null, 'loggedout')}
        />
      )
    case 'new-password':
    case 'change-password':
      return (
        <ChangePasswordForm
          key={panel}
          username={username}
          passwordHint={passwordHint}
          forgotten={canForgetPassword(session)}
          onChanged={() => arrive('badge', 'changed')}
          onCancel={backTo(panel === 'new-password' ? badge : account)}
          onSent={() => arrive('account', 'mailed')}
        />
      )
    case 'change-email':
      return (
        <ChangeEmailForm
          username={username}
          email={email}
          onSent={() => arrive('account', 'emailsent')}
          onCancel={backTo(verified ? account : badge)}
        />
      )
    case 'sessions':
      return <Sessions onBack={backTo(account)} onNotice={(notice) => arrive('sessions', notice)} />
    case 'delete-account':
      return <DeleteAccountForm username={username} onDeleted={() => show(null, 'deleted')} onCancel={backTo(account)} />
    default:
      return (
        <Account
          session={session}
          onChangePassword={() => show('change-password')}
          onChangeEmail={() => show('change-email')}
          onSessions={() => show('sessions')}
          onDeleteAccount={() => show('delete-account')}
          onBack={backTo(badge)}
        />
      )
  }
}
