'use client'

import { useEffect, useRef, useState, type ReactNode } from 'react'
import { guestCalls } from '../../client/guest-calls.ts'
import { createNameCheck, type NameCheck, type NameCheckState } from '../../client/name-check.ts'
import { guest } from '../../texts/guest.ts'
import { NewPasswordField } from '../parts/new-password-field.tsx'
import { Form, LinkButton, Panel, TextField, useCoreText, useText, useFailureText, useCalls } from '../toolkit.ts'

interface RegisterFormProps {
  readonly passwordHint: string
  /** With the address to which the mail goes. */
  readonly onRegister: (email: string) => void
  readonly onLogin: () => void
}

export function RegisterForm({ passwordHint, onRegister, onLogin }: RegisterFormProps): ReactNode {
  const calls = useCalls(guestCalls)
  const core = useCoreText()
  const say = useText(guest)
  const [name, setName] = useState<NameCheckState>({ state: 'unknown' })
  const check = useRef<NameCheck>(null)

  useEffect(() => {
    check.current = createNameCheck({ ask: calls.checkUsername, onChange: setName })
    return () => check.current?.dispose()
  }, [calls])

  return (
    <Panel heading={core('register.title')}>
      <Form
        path="/register"
        label={core('register.title')}
        required={{
          username: say('username.missing'),
          email: say('email.missing'),
          password: say('password.choose')
        }}
        submit={async (read) => {
          const email = read('email')
          const result = await calls.register({ username: read('username'), email, password: read('password') })
          return result.ok ? { ok: true, value: email } : result
        }}
        onDone={onRegister}
      >
        <TextField
          name="username"
          label={say('username')}
          autoComplete="username"
          live={<NameState name={name} />}
          onValue={(value) => check.current?.update(value)}
        />
        <TextField name="email" label={say('email')} type="email" autoComplete="email" inputMode="email" />
        <NewPasswordField label={core('password')} hint={passwordHint} />
      </Form>
      <p className="gs-more">
        <span>
          {say('register.known')} <LinkButton onClick={onLogin}>{core('login.title')}</LinkButton>
        </span>
      </p>
    </Panel>
  )
}

function NameState({ name }: { readonly name: NameCheckState }): ReactNode {
  const say = useText(guest)
  const failureText = useFailureText()
  if (name.state === 'unknown') return null
  const text = name.state === 'invalid' ? failureText(name.failure) : say(`username.${name.state}`)
  return <span data-name={name.state}>{text}</span>
}
