'use client'

import { useState, type ReactNode } from 'react'
import { TextField } from './text-field.tsx'

interface PasswordFieldProps {
  readonly name: string
  readonly label: string
  readonly autoComplete: 'current-password' | 'new-password'
  readonly hint?: ReactNode
}

/** A password input which can show what is typed. */
export function PasswordField(props: PasswordFieldProps): ReactNode {
  const [shown, setShown] = useState(false)
  return (
    <TextField {...props} type={shown ? 'text' : 'password'}>
      <button type="button" className="gs-reveal" onClick={() => setShown(!shown)}>
        {shown ? 'Hide' : 'Show'}
        <span className="gs-hidden"> {props.label.toLowerCase()}</span>
      </button>
    </TextField>
  )
}
