'use client'

import type { ReactNode } from 'react'
import { accountCalls } from '../../client/account-calls.ts'
import { isSameName } from '../../client/user-name.ts'
import { account } from '../../texts/account.ts'
import { Form, LinkButton, Panel, PasswordField, strongly, TextField, useCoreText, useCalls, useText } from '../toolkit.ts'
import { UsernameForManagers } from './username-for-managers.tsx'

/** What password managers respect, who do not respect `autocomplete="off"`. */
const unmanaged = { 'data-1p-ignore': '', 'data-lpignore': 'true', 'data-bwignore': '' }

interface DeleteAccountFormProps {
  readonly username: string
  readonly onDeleted: () => void
  readonly onCancel: () => void
}

export function DeleteAccountForm({ username, onDeleted, onCancel }: DeleteAccountFormProps): ReactNode {
  const calls = useCalls(accountCalls)
  const core = useCoreText()
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
          label={core('username')}
          autoComplete="off"
          {...unmanaged}
          hint={say('delete.confirm', { username })}
        />
        <PasswordField name="currentPassword" label={say('password.current')} autoComplete="current-password" />
      </Form>
      <p className="gs-more">
        <LinkButton onClick={onCancel}>{core('back')}</LinkButton>
      </p>
    </Panel>
  )
}
