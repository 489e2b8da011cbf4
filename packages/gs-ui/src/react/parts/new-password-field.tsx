'use client'

import { useRef, useState, type FocusEvent, type ReactNode } from 'react'
import { loadStrength } from '../lazy/load-strength.ts'
import { PasswordField } from '../toolkit.ts'

interface NewPasswordFieldProps {
  readonly label: string
  readonly hint: string
}

type Strength = Awaited<ReturnType<typeof loadStrength>>

/** A password that is being chosen. Says how strong it is as soon as what knows that is loaded; without it the field does the same. */
export function NewPasswordField({ label, hint }: NewPasswordFieldProps): ReactNode {
  const [password, setPassword] = useState('')
  const [form, setForm] = useState<HTMLFormElement | null>(null)
  const [strength, setStrength] = useState<Strength | null>(null)
  const asked = useRef(false)

  function load(): void {
    if (asked.current) return
    asked.current = true
    loadStrength().then(setStrength, () => {
      // Another attempt when the field is used again.
      asked.current = false
    })
  }

  return (
    <PasswordField
      name="password"
      label={label}
      autoComplete="new-password"
      hint={hint}
      live={
        password !== '' && (
          // Its place is there before it is: nothing may move under a pointer that is on its way to the button.
          <span className="gs-strength-place">{strength !== null && <strength.StrengthMeter password={password} form={form} />}</span>
        )
      }
      onValue={(value) => {
        setPassword(value)
        load()
      }}
      onFocus={(event: FocusEvent<HTMLInputElement>) => {
        setForm(event.currentTarget.form)
        load()
      }}
    />
  )
}
