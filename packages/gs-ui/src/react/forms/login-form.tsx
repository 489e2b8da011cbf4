'use client'

import type { MouseEvent, ReactNode } from 'react'
import { nextAddress } from '../../client/next-path.ts'
import { Form } from '../parts/form.tsx'
import { LinkButton } from '../parts/link-button.tsx'
import { Panel } from '../parts/panel.tsx'
import { PasswordField } from '../parts/password-field.tsx'
import { TextField } from '../parts/text-field.tsx'
import { useGs } from '../use-gs.ts'

interface LoginFormProps {
  readonly onLogin: () => void
  readonly onRegister: () => void
  /** With what was typed as the name so far. */
  readonly onForgot: (username: string) => void
}

export function LoginForm({ onLogin, onRegister, onForgot }: LoginFormProps): ReactNode {
  const { client } = useGs()

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
    <Panel heading="Log in">
      <Form
        path="/login"
        label="Log in"
        required={{ username: 'Please enter your user name or e-mail address.', password: 'Please enter your password.' }}
        submit={(read) => client.login({ username: read('username'), password: read('password'), remember: read('remember') === 'true' })}
        onDone={onDone}
      >
        <TextField name="username" label="User name or e-mail" autoComplete="username" inputMode="email" />
        <PasswordField name="password" label="Password" autoComplete="current-password" />
        <label className="gs-check">
          <input type="checkbox" name="remember" value="true" />
          Keep me logged in
        </label>
      </Form>
      <p className="gs-more">
        <LinkButton onClick={forgot}>Forgot password?</LinkButton>
        <span>
          New here? <LinkButton onClick={onRegister}>Sign up</LinkButton>
        </span>
      </p>
    </Panel>
  )
}
