'use client'

import type { MouseEvent, ReactNode } from 'react'
import { goOn } from '../../client/next-path.ts'
import type { SessionInfo } from '../../client/session-info.ts'
import { Form } from '../parts/form.tsx'
import { LinkButton } from '../parts/link-button.tsx'
import { Panel } from '../parts/panel.tsx'
import { PasswordField } from '../parts/password-field.tsx'
import { TextField } from '../parts/text-field.tsx'
import { useSession } from '../use-gs.ts'
import { useCoreText } from '../use-text.tsx'

interface LoginFormProps {
  /** Whether there is a login with a code. */
  readonly loginCode: boolean
  readonly onLogin: () => void
  /** Another panel is wanted; with what was typed as the name so far. */
  readonly onOpen: (panel: 'register' | 'forgot-password' | 'login-code', username: string) => void
}

export function LoginForm({ loginCode, onLogin, onOpen }: LoginFormProps): ReactNode {
  const { client } = useSession()
  const say = useCoreText()

  function onDone(session: SessionInfo): void {
    onLogin()
    goOn(session)
  }

  const to = (panel: Parameters<typeof onOpen>[0]) => (event: MouseEvent<HTMLButtonElement>) =>
    onOpen(panel, event.currentTarget.closest('.gs-panel')?.querySelector<HTMLInputElement>('input[name="username"]')?.value ?? '')

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
        <LinkButton onClick={to('forgot-password')}>{say('login.forgot')}</LinkButton>
        <span>
          {say('login.new')} <LinkButton onClick={to('register')}>{say('register.title')}</LinkButton>
        </span>
        {loginCode && <LinkButton onClick={to('login-code')}>{say('login.code')}</LinkButton>}
      </p>
    </Panel>
  )
}
