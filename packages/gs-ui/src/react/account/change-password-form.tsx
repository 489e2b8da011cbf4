'use client'

import type { ReactNode } from 'react'
import { accountCalls } from '../../client/account-calls.ts'
import { guestCalls } from '../../client/guest-calls.ts'
import type { SessionInfo } from '../../client/session-info.ts'
import { account } from '../../texts/account.ts'
import { NewPasswordField } from '../parts/new-password-field.tsx'
import { Form, Panel, PasswordField, useCoreText, useCalls, useSession, useText } from '../toolkit.ts'
import { BackLink } from './back-link.tsx'
import { LogoutForm } from './logout-form.tsx'
import { UsernameForManagers } from './username-for-managers.tsx'

interface ChangePasswordFormProps {
  readonly username: string
  readonly passwordHint: string
  /** Came by a lost-password link not long ago: the current password is not asked for. It may end while the form is open. */
  readonly forgotten: boolean
  /** Nothing else is open to the account before there is a new password. */
  readonly must?: boolean
  readonly onChanged: (session: SessionInfo) => void
  /** Undefined: there is no way back. */
  readonly onCancel: (() => void) | undefined
  /** A lost-password link was sent. */
  readonly onSent: () => void
  /** Makes a button that logs out. */
  readonly onLogout?: () => void
}

export function ChangePasswordForm(props: ChangePasswordFormProps): ReactNode {
  const { username, passwordHint, forgotten, must = false, onChanged, onCancel, onSent, onLogout } = props
  const { client } = useSession()
  const calls = useCalls(accountCalls)
  const guest = useCalls(guestCalls)
  const core = useCoreText()
  const say = useText(account)
  const label = say(forgotten || must ? 'password.set' : 'password.change')
  return (
    <Panel heading={must ? say('password.must.title') : label}>
      {must && <p>{say('password.must')}</p>}
      {forgotten && <p>{say('password.forgotten')}</p>}
      <Form
        path="/change-password"
        label={label}
        required={{
          ...(!forgotten && { currentPassword: say('password.current.missing') }),
          password: say('password.new.missing')
        }}
        submit={(read) =>
          calls.changePassword({ password: read('password'), ...(!forgotten && { currentPassword: read('currentPassword') }) })
        }
        onDone={onChanged}
        onRefused={(failure) => {
          // The five minutes are over; the session knows, and the field appears.
          if (forgotten && failure.code === 'GS_CURRENT_PASSWORD_REQUIRED') void client.refresh()
        }}
      >
        <UsernameForManagers username={username} />
        {!forgotten && <PasswordField name="currentPassword" label={say('password.current')} autoComplete="current-password" />}
        <NewPasswordField label={say('password.new')} hint={passwordHint} />
      </Form>
      {!forgotten && (
        <Form
          path="/forgot-password"
          label={core('login.forgot')}
          look="link"
          submit={() => guest.forgotPassword({ username })}
          onDone={onSent}
        >
          <input type="hidden" name="username" value={username} />
        </Form>
      )}
      {onLogout && <LogoutForm onLogout={onLogout} />}
      <BackLink onBack={onCancel} label={forgotten ? say('password.later') : undefined} />
    </Panel>
  )
}
