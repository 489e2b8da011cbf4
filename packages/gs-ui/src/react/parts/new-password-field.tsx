'use client'

import type { ReactNode } from 'react'
import { PasswordField } from './password-field.tsx'

interface NewPasswordFieldProps {
  readonly label: string
  readonly hint: string
}

/** A password that is being chosen. */
export function NewPasswordField({ label, hint }: NewPasswordFieldProps): ReactNode {
  return <PasswordField name="password" label={label} autoComplete="new-password" hint={hint} />
}
