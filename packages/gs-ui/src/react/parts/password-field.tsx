'use client'

import { useContext, useState, type FocusEvent, type KeyboardEvent, type ReactNode } from 'react'
import { TextsContext } from '../texts-context.ts'
import { useCoreText } from '../use-text.tsx'
import { TextField } from './text-field.tsx'

interface PasswordFieldProps {
  readonly name: string
  readonly label: string
  readonly autoComplete: 'current-password' | 'new-password'
  readonly hint?: ReactNode
  /** What is found out while typing. */
  readonly live?: ReactNode
  readonly onValue?: (value: string) => void
  readonly onFocus?: (event: FocusEvent<HTMLInputElement>) => void
}

/** A password input which can show what is typed, and says when Caps Lock is on. */
export function PasswordField({ live, ...props }: PasswordFieldProps): ReactNode {
  const say = useCoreText()
  const { language } = useContext(TextsContext)
  const { label } = props
  const [shown, setShown] = useState(false)
  const [caps, setCaps] = useState(false)
  const look = (event: KeyboardEvent<HTMLInputElement>) => setCaps(event.getModifierState?.('CapsLock') ?? false)
  return (
    <TextField
      {...props}
      type={shown ? 'text' : 'password'}
      onKeyDown={look}
      onKeyUp={look}
      onBlur={() => setCaps(false)}
      live={
        <>
          {caps && <span data-name="caps">{say('password.caps')}</span>}
          {live}
        </>
      }
    >
      <button
        type="button"
        className="gs-reveal"
        aria-label={say(shown ? 'password.hide.field' : 'password.show.field', {
          field: /^de\b/.test(language) ? label : label.toLowerCase()
        })}
        onClick={() => setShown(!shown)}
      >
        {say(shown ? 'password.hide' : 'password.show')}
      </button>
    </TextField>
  )
}
