'use client'

import type { ReactNode } from 'react'
import { accountCalls } from '../../client/account-calls.ts'
import { account } from '../../texts/account.ts'
import { strongly } from '../parts/strongly.tsx'
import { Form, Panel, PasswordField, TextField, useCalls, useText } from '../toolkit.ts'
import { BackLink } from './back-link.tsx'
import { UsernameForManagers } from './username-for-managers.tsx'

interface ChangeEmailFormProps {
  readonly username: string
  /** The address now; null: none. */
  readonly email: string | null
  /** A mail to the new address was sent. */
  readonly onSent: () => void
  /** Undefined: there is no way back. */
  readonly onCancel: (() => void) | undefined
}

export function ChangeEmailForm({ username, email, onSent, onCancel }: ChangeEmailFormProps): ReactNode {
  const calls = useCalls(accountCalls)
  const say = useText(account)
  return (
    <Panel heading={say('email.change')}>
      {email !== null && <p>{strongly(say('email.now'), 'email', email)}</p>}
      <Form
        path="/change-email"
        label={say('email.change')}
        required={{ email: say('email.missing'), currentPassword: say('password.current.missing') }}
        submit={(read) => calls.changeEmail({ email: read('email'), currentPassword: read('currentPassword') })}
        onDone={onSent}
      >
        <UsernameForManagers username={username} />
        <TextField name="email" label={say('email.new')} type="email" inputMode="email" autoComplete="email" hint={say('email.how')} />
        <PasswordField name="currentPassword" label={say('password.current')} autoComplete="current-password" />
      </Form>
      <BackLink onBack={onCancel} />
    </Panel>
  )
}
