'use client'

import { useEffect, useRef, useState, type ReactNode } from 'react'
import { createNameCheck, type NameCheck, type NameCheckState } from '../../client/name-check.ts'
import { Form } from '../parts/form.tsx'
import { LinkButton } from '../parts/link-button.tsx'
import { Panel } from '../parts/panel.tsx'
import { PasswordField } from '../parts/password-field.tsx'
import { TextField } from '../parts/text-field.tsx'
import { useGs } from '../use-gs.ts'

interface RegisterFormProps {
  readonly passwordHint: string
  /** With the address to which the mail goes. */
  readonly onRegister: (email: string) => void
  readonly onLogin: () => void
}

export function RegisterForm({ passwordHint, onRegister, onLogin }: RegisterFormProps): ReactNode {
  const { client } = useGs()
  const [name, setName] = useState<NameCheckState>({ state: 'unknown' })
  const check = useRef<NameCheck>(null)

  useEffect(() => {
    check.current = createNameCheck({ ask: client.checkUsername, onChange: setName })
    return () => check.current?.dispose()
  }, [client])

  return (
    <Panel heading="Sign up">
      <Form
        path="/register"
        label="Sign up"
        required={{
          username: 'Please choose a user name.',
          email: 'Please enter your e-mail address.',
          password: 'Please choose a password.'
        }}
        submit={async (read) => {
          const email = read('email')
          const result = await client.register({ username: read('username'), email, password: read('password') })
          return result.ok ? { ok: true, value: email } : result
        }}
        onDone={onRegister}
      >
        <TextField
          name="username"
          label="User name"
          autoComplete="username"
          live={<NameState name={name} />}
          onValue={(value) => check.current?.update(value)}
        />
        <TextField name="email" label="E-mail" type="email" autoComplete="email" inputMode="email" />
        <PasswordField name="password" label="Password" autoComplete="new-password" hint={passwordHint} />
      </Form>
      <p className="gs-more">
        <span>
          Have an account? <LinkButton onClick={onLogin}>Log in</LinkButton>
        </span>
      </p>
    </Panel>
  )
}

function NameState({ name }: { readonly name: NameCheckState }): ReactNode {
  if (name.state === 'unknown') return null
  const text = { available: 'This name is free.', taken: 'This name is taken.', invalid: '' }[name.state]
  return <span data-name={name.state}>{name.state === 'invalid' ? name.message : text}</span>
}
