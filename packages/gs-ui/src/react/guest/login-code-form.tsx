'use client'

import { useEffect, useRef, useState, type ReactNode, type RefObject } from 'react'
import { guestCalls } from '../../client/guest-calls.ts'
import { guest } from '../../texts/guest.ts'
import { Form, goOn, LinkButton, Panel, TextField, useCoreText, useText, useCalls } from '../toolkit.ts'

interface LoginCodeFormProps {
  /** What was typed as the name in another panel. */
  readonly username: string
  /** Leads to the login with the password. Undefined: there is no way back. */
  readonly onLogin: (() => void) | undefined
}

/** A field of the panel that this stands in. */
const inputOf = ({ current }: RefObject<HTMLElement | null>, name: string) =>
  current?.closest('.gs-panel')?.querySelector<HTMLInputElement>(`input[name="${name}"]`)

/** Logs in with a code that comes by mail: first asks for the name, then for the code. */
export function LoginCodeForm({ username, onLogin }: LoginCodeFormProps): ReactNode {
  const calls = useCalls(guestCalls)
  const core = useCoreText()
  const say = useText(guest)
  const [name, setName] = useState(username)
  const [step, setStep] = useState<'name' | 'sent' | 'known'>('name')
  const shown = useRef(step)
  const foot = useRef<HTMLParagraphElement>(null)

  useEffect(() => {
    const { current: before } = shown
    shown.current = step
    if (before !== step) inputOf(foot, step === 'sent' ? 'code' : 'username')?.focus()
  }, [step])

  function go(next: typeof step): void {
    setName(inputOf(foot, 'username')?.value.trim() ?? '')
    setStep(next)
  }

  const nameField = <TextField name="username" label={core('name')} autoComplete="username" inputMode="email" defaultValue={name} />

  return (
    <Panel heading={say('code.title')}>
      {step === 'name' ? (
        <>
          <p>{say('code.text')}</p>
          <Form
            path="/login-code"
            label={say('code.send')}
            required={{ username: core('name.missing') }}
            submit={async (read) => {
              const result = await calls.requestLoginCode({ username: read('username') })
              return result.ok ? { ok: true, value: read('username').trim() } : result
            }}
            onDone={(sentTo) => {
              setName(sentTo)
              setStep('sent')
            }}
          >
            {nameField}
          </Form>
        </>
      ) : (
        <Form
          key={step}
          path="/login-code/redeem"
          label={core('login.title')}
          required={{ username: core('name.missing'), code: say('code.missing') }}
          submit={(read) =>
            calls.redeemLoginCode({ username: read('username'), code: read('code'), remember: read('remember') === 'true' })
          }
          onDone={goOn}
        >
          {step === 'sent' ? <input type="hidden" name="username" value={name} /> : nameField}
          <TextField
            name="code"
            label={say('code')}
            // Groups of digits would change places in a text from right to left.
            dir="ltr"
            inputMode="numeric"
            autoComplete="one-time-code"
            pattern="[0-9 \-]*"
            {...(step === 'sent' && { hint: say('code.sent') })}
          />
          <label className="gs-check">
            <input type="checkbox" name="remember" value="true" />
            {core('login.remember')}
          </label>
        </Form>
      )}
      <p ref={foot} className="gs-more">
        {step === 'name' ? (
          <LinkButton onClick={() => go('known')}>{say('code.have')}</LinkButton>
        ) : (
          <LinkButton onClick={() => go('name')}>{say('code.again')}</LinkButton>
        )}
        {onLogin && <LinkButton onClick={onLogin}>{say('code.password')}</LinkButton>}
      </p>
    </Panel>
  )
}
