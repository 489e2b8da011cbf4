'use client'

import type { MouseEvent, ReactNode } from 'react'
import { nextAddress } from '../../client/next-path.ts'
import { Form } from '../parts/form.tsx'
import { LinkButton } from '../parts/link-button.tsx'
import { Panel } from '../parts/panel.tsx'
import { PasswordField } from '../parts/password-field.tsx'
import { TextField } from '../parts/text-field.tsx'
import { useSession } from '../use-gs.ts'
import { useCoreText } from '../use-text.tsx'

interface LoginFormProps {
  readonly onLogin: () => void
  readonly onRegister: () => void
  /** With what was typed as the name so far. */
  readonly onForgot: (username: string) => void
}

export function LoginForm({ onLogin, onRegister, onForgot }: LoginFormProps): ReactNode {
  const { client } = useSession()
  const say = useCoreText()

  function onDone(): void {
    onLogin()
    const next = nextAddress(location.href)
    if (next !== null) location.assign(next)
  }

  function forgot(event: MouseEvent<HTMLButtonElement>): void {
    const input = event.currentTarget.closest('.gs-panel')?.querySelector<HTMLInputElement>('input[name="username"]')
    onForgot(input?.value ?? '')
  }

  return (
    <Panel heading={say('login.title')}>
      <Form
        path="/login"
        label={say('login.title')}
        required={{ username: say('name.missing'), password: say('password.missing') }}
        submit={(read) => client.login({ username: read('username'), password: read('password'), remember: read('remember') === 'true' })}
        onDone={onDone}
      >
        <TextField name="username" label={say('name')} autoComplete="username" inputMode="email" />
        <PasswordField name="password" label={say('password')} autoComplete="current-password" />
        <label className="gs-check">
          <input type="checkbox" name="remember" value="true" />
          {say('login.remember')}
        </label>
      </Form>
      <p className="gs-more">
        <LinkButton onClick={forgot}>{say('login.forgot')}</LinkButton>
        <span>
          {say('login.new')} <LinkButton onClick={onRegister}>{say('register.title')}</LinkButton>
        </span>
      </p>
    </Panel>
  )
}
