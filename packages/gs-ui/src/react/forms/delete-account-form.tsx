'use client'

import type { ReactNode } from 'react'
import { isSameName } from '../../client/user-name.ts'
import { Form } from '../parts/form.tsx'
import { LinkButton } from '../parts/link-button.tsx'
import { Panel } from '../parts/panel.tsx'
import { PasswordField } from '../parts/password-field.tsx'
import { TextField } from '../parts/text-field.tsx'
import { useGs } from '../use-gs.ts'

interface DeleteAccountFormProps {
  readonly username: string
  readonly onDeleted: () => void
  readonly onCancel: () => void
}

export function DeleteAccountForm({ username, onDeleted, onCancel }: DeleteAccountFormProps): ReactNode {
  const { client } = useGs()
  return (
    <Panel heading="Delete account">
      <p>
        This deletes the account <strong>{username}</strong> for good and logs it out everywhere.
      </p>
      <Form
        path="/delete-account"
        label="Delete account"
        look="danger"
        required={{ confirmation: 'Please type your user name.', currentPassword: 'Please enter your current password.' }}
        check={(read) =>
          isSameName(read('confirmation'), username) ? {} : { confirmation: `This is not your user name. Please type ${username}.` }
        }
        submit={(read) => client.deleteAccount({ currentPassword: read('currentPassword') })}
        onDone={onDeleted}
      >
        <TextField name="confirmation" label="User name" autoComplete="off" hint={`To confirm, type ${username}.`} />
        <PasswordField name="currentPassword" label="Current password" autoComplete="current-password" />
      </Form>
      <p className="gs-more">
        <LinkButton onClick={onCancel}>Back</LinkButton>
      </p>
    </Panel>
  )
}
