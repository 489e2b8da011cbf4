'use client'

import type { ReactNode } from 'react'
import { Form } from '../parts/form.tsx'
import { LinkButton } from '../parts/link-button.tsx'
import { Panel } from '../parts/panel.tsx'
import { PasswordField } from '../parts/password-field.tsx'
import { useGs } from '../use-gs.ts'

interface ChangePasswordFormProps {
  readonly username: string
  readonly passwordHint: string
  /** Came by a lost-password link not long ago: the current password is not asked for. It may end while the form is open. */
  readonly forgotten: boolean
  readonly onChanged: () => void
  readonly onCancel: () => void
  /** A lost-password link was sent. */
  readonly onSent: () => void
}

export function ChangePasswordForm(props: ChangePasswordFormProps): ReactNode {
  const { username, passwordHint, forgotten, onChanged, onCancel, onSent } = props
  const { client } = useGs()
  const label = forgotten ? 'Set new password' : 'Change password'
  return (
    <Panel heading={label}>
      {forgotten && <p>The link in the mail logged you in. For five minutes you can set a new password without the old one.</p>}
      <Form
        path="/change-password"
        label={label}
        required={{
          ...(!forgotten && { currentPassword: 'Please enter your current password.' }),
          password: 'Please choose a new password.'
        }}
        submit={(read) =>
          client.changePassword({ password: read('password'), ...(!forgotten && { currentPassword: read('currentPassword') }) })
        }
        onDone={onChanged}
        onRefused={(failure) => {
          // The five minutes are over; the session knows, and the field appears.
          if (forgotten && failure.code === 'GS_CURRENT_PASSWORD_REQUIRED') void client.refresh()
        }}
      >
        {/* Without a name it is not sent; it tells password managers whose password this is. */}
        <input className="gs-hidden" type="text" autoComplete="username" value={username} readOnly tabIndex={-1} aria-hidden="true" />
        {!forgotten && <PasswordField name="currentPassword" label="Current password" autoComplete="current-password" />}
        <PasswordField name="password" label="New password" autoComplete="new-password" hint={passwordHint} />
      </Form>
      {!forgotten && (
        <Form
          path="/forgot-password"
          label="Forgot password?"
          look="link"
          submit={() => client.forgotPassword({ username })}
          onDone={onSent}
        >
          <input type="hidden" name="username" value={username} />
        </Form>
      )}
      <p className="gs-more">
        <LinkButton onClick={onCancel}>{forgotten ? 'Not now' : 'Back'}</LinkButton>
      </p>
    </Panel>
  )
}
