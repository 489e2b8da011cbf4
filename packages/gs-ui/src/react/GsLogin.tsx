'use client'

import { useCallback, useRef, useState, type ReactNode } from 'react'
import type { SessionInfo } from '../client/session-info.ts'
import { ChangePasswordForm } from './forms/change-password-form.tsx'
import { DeleteAccountForm } from './forms/delete-account-form.tsx'
import { ForgotPasswordForm } from './forms/forgot-password-form.tsx'
import { LoginForm } from './forms/login-form.tsx'
import { RegisterForm } from './forms/register-form.tsx'
import { nextNotice, sentenceOf, type Notice, type NoticeKey } from './notices.ts'
import { Account } from './panels/account.tsx'
import { Badge, type Member } from './panels/badge.tsx'
import { CheckMail } from './panels/check-mail.tsx'
import { canForgetPassword, panelFor, type ChosenPanel } from './panels/panel-for.ts'
import { Unreachable } from './panels/unreachable.tsx'
import { useFocusOnChange } from './use-focus-on-change.ts'
import { useGs } from './use-gs.ts'
import { usePageNotice } from './use-page-notice.ts'

/** Props of `<GsLogin/>`. */
export interface GsLoginProps {
  /** Stands below the field of a new password. Say here what your server demands (default: a general advice). */
  readonly passwordHint?: string
  /** `auto` follows the visitor's system (default: `auto`). */
  readonly theme?: 'auto' | 'light' | 'dark'
}

const defaultHint = 'Long is strong: try a few words that belong together only for you.'

/**
 * The whole widget, one panel at a time: log in, sign up, verify, recover, change the password, delete the account, log out.
 * Needs `<GsProvider>` around it and `gs-ui/gs-ui.css`.
 */
export function GsLogin({ passwordHint = defaultHint, theme = 'auto' }: GsLoginProps): ReactNode {
  const gs = useGs()
  const { session } = gs
  const username = session?.username ?? null
  const [chosen, setChosen] = useState<ChosenPanel | null>(null)
  const [chosenBy, setChosenBy] = useState(username)
  const [notice, setNotice] = useState<Notice | null>(null)
  const [typed, setTyped] = useState('')
  const root = useRef<HTMLElement>(null)
  const say = useCallback((key: NoticeKey | null) => setNotice((before) => nextNotice(before, key)), [])

  // A choice ends with the one who made it: the next person at this browser starts at the beginning.
  if (chosenBy !== username) {
    setChosenBy(username)
    setChosen(null)
    if (gs.status === 'ready' && gs.ended) say('ended')
  }

  const panel = panelFor(gs, chosen)
  // From now on it stays: the end of the five minutes must not take away what somebody is typing.
  if (panel === 'new-password' && chosen === null) setChosen(panel)

  usePageNotice(say)
  useFocusOnChange(panel, root)

  const tooLate = panel === 'new-password' && session !== null && !canForgetPassword(session)
  const sentence = sentenceOf(tooLate ? nextNotice(null, 'toolate') : notice, username !== null)

  /** Shows a panel, or the one that fits by itself. */
  function show(next: ChosenPanel | null, key: NoticeKey | null = null): void {
    setChosen(next)
    say(key)
  }

  function login(): void {
    show('login')
  }

  function account(): void {
    show('account')
  }

  function guestPanel(): ReactNode {
    switch (panel) {
      case 'register':
        return (
          <RegisterForm
            passwordHint={passwordHint}
            onLogin={login}
            onRegister={(email) => {
              setTyped(email)
              show('verify-email')
            }}
          />
        )
      case 'verify-email':
        return <CheckMail email={typed} onResent={() => show('verify-email', 'resent')} onLogin={login} />
      case 'forgot-password':
        return <ForgotPasswordForm username={typed} onSent={() => show('login', 'sent')} onLogin={login} />
      default:
        return (
          <LoginForm
            onLogin={() => show(null)}
            onRegister={() => show('register')}
            onForgot={(name) => {
              setTyped(name)
              show('forgot-password')
            }}
          />
        )
    }
  }

  function memberPanel(member: Member): ReactNode {
    switch (panel) {
      case 'account':
        return (
          <Account
            session={member}
            onChangePassword={() => show('change-password')}
            onDeleteAccount={() => show('delete-account')}
            onBack={() => show('badge')}
          />
        )
      case 'new-password':
      case 'change-password':
        return (
          <ChangePasswordForm
            key={panel}
            username={member.username}
            passwordHint={passwordHint}
            forgotten={canForgetPassword(member)}
            onChanged={() => show('badge', 'changed')}
            onCancel={panel === 'new-password' ? () => show('badge') : account}
            onSent={() => show('account', 'mailed')}
          />
        )
      case 'delete-account':
        return <DeleteAccountForm username={member.username} onDeleted={() => show(null, 'deleted')} onCancel={account} />
      default:
        return (
          <Badge session={member} onAccount={account} onLogout={() => show(null, 'loggedout')} onResent={() => show('badge', 'resent')} />
        )
    }
  }

  return (
    <section
      ref={root}
      className="gs-widget"
      data-theme={theme}
      data-panel={panel}
      aria-label="Your account"
      aria-busy={panel === 'loading'}
    >
      <output className="gs-notice">{sentence}</output>
      <div className="gs-panel">
        {gs.status === 'loading' && <p className="gs-loading">Loading …</p>}
        {gs.status === 'failed' && <Unreachable error={gs.error} />}
        {gs.status === 'ready' && (isMember(gs.session) ? memberPanel(gs.session) : guestPanel())}
      </div>
    </section>
  )
}

function isMember(session: SessionInfo): session is Member {
  return session.username !== null
}
