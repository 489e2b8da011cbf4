'use client'

import type { ReactNode } from 'react'
import { accountCalls } from '../../client/account-calls.ts'
import { isSameName } from '../../client/user-name.ts'
import { account } from '../../texts/account.ts'
import { strongly } from '../parts/strongly.tsx'
import { Form, Panel, PasswordField, TextField, useCalls, useText } from '../toolkit.ts'
import { BackLink } from './back-link.tsx'
import { UsernameForManagers } from './username-for-managers.tsx'

/** What password managers respect, who do not respect `autocomplete="off"`. */
const unmanaged = { 'data-1p-ignore': '', 'data-lpignore': 'true', 'data-bwignore': '' }

interface DeleteAccountFormProps {
  readonly username: string
  readonly onDeleted: () => void
  /** Undefined: there is no way back. */
  readonly onCancel: (() => void) | undefined
}

export function DeleteAccountForm({ username, onDeleted, onCancel }: DeleteAccountFormProps): ReactNode {
  const calls = useCalls(accountCalls)
  const say = useText(account)
  return (
    <Panel heading={say('delete.title')}>
      <p>{strongly(say('delete.text'), 'username', username)}</p>
      <Form
        path="/delete-account"
        label={say('delete.title')}
        look="danger"
        required={{ confirmation: say('delete.missing'), currentPassword: say('password.current.missing') }}
        check={(read) => (isSameName(read('confirmation'), username) ? {} : { confirmation: say('delete.wrong', { username }) })}
        submit={(read) => calls.deleteAccount({ currentPassword: read('currentPassword') })}
        onDone={onDeleted}
      >
        <UsernameForManagers username={username} />
        <TextField
          name="confirmation"
          label={say('username')}
          autoComplete="off"
          {...unmanaged}
          hint={strongly(say('delete.confirm'), 'username', username)}
        />
        <PasswordField name="currentPassword" label={say('password.current')} autoComplete="current-password" />
      </Form>
      <BackLink onBack={onCancel} />
    </Panel>
  )
}
