'use client'

import type { ReactNode } from 'react'
import type { PanelProps } from '../panels/panel-props.ts'
import { CheckMail } from './check-mail.tsx'
import { ForgotPasswordForm } from './forgot-password-form.tsx'
import { LoginCodeForm } from './login-code-form.tsx'
import { RegisterForm } from './register-form.tsx'

/** What a visitor needs who has no account, or not its password. */
export function GuestPanels({ panel, passwordHint, typed, setTyped, show, alone }: PanelProps): ReactNode {
  const login = () => show('login')
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
    case 'login-code':
      return <LoginCodeForm username={typed} onLogin={alone ? undefined : login} />
    default:
      return <ForgotPasswordForm username={typed} onSent={() => show('login', 'sent')} onLogin={login} />
  }
}
