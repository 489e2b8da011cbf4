'use client'

import type { ReactNode } from 'react'
import { guestCalls } from '../../client/guest-calls.ts'
import { guest } from '../../texts/guest.ts'
import { Form, LinkButton, Panel, TextField, useCoreText, useText, useCalls } from '../toolkit.ts'

interface ForgotPasswordFormProps {
  readonly username: string
  readonly onSent: () => void
  readonly onLogin: () => void
}

export function ForgotPasswordForm({ username, onSent, onLogin }: ForgotPasswordFormProps): ReactNode {
  const calls = useCalls(guestCalls)
  const core = useCoreText()
  const say = useText(guest)
  return (
    <Panel heading={say('forgot.title')}>
      <p>{say('forgot.text')}</p>
      <Form
        path="/forgot-password"
        label={say('forgot.send')}
        required={{ username: core('name.missing') }}
        submit={(read) => {
          const name = read('username').trim()
          return calls.forgotPassword(name.includes('@') ? { email: name } : { username: name })
        }}
        onDone={onSent}
      >
        <TextField name="username" label={core('name')} autoComplete="username" inputMode="email" defaultValue={username} />
      </Form>
      <p className="gs-more">
        <span>
          {say('forgot.remembered')} <LinkButton onClick={onLogin}>{core('login.title')}</LinkButton>
        </span>
      </p>
    </Panel>
  )
}
