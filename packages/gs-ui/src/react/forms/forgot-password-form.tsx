'use client'

import type { ReactNode } from 'react'
import { Form } from '../parts/form.tsx'
import { LinkButton } from '../parts/link-button.tsx'
import { Panel } from '../parts/panel.tsx'
import { TextField } from '../parts/text-field.tsx'
import { useGs } from '../use-gs.ts'

interface ForgotPasswordFormProps {
  readonly username: string
  readonly onSent: () => void
  readonly onLogin: () => void
}

export function ForgotPasswordForm({ username, onSent, onLogin }: ForgotPasswordFormProps): ReactNode {
  const { client } = useGs()
  return (
    <Panel heading="Forgot password?">
      <p>You get a mail with a link that logs you in once and lets you set a new password.</p>
      <Form
        path="/forgot-password"
        label="Send link"
        required={{ username: 'Please enter your user name or e-mail address.' }}
        submit={(read) => {
          const name = read('username').trim()
          return client.forgotPassword(name.includes('@') ? { email: name } : { username: name })
        }}
        onDone={onSent}
      >
        <TextField name="username" label="User name or e-mail" autoComplete="username" inputMode="email" defaultValue={username} />
      </Form>
      <p className="gs-more">
        <span>
          Remembered it? <LinkButton onClick={onLogin}>Log in</LinkButton>
        </span>
      </p>
    </Panel>
  )
}
