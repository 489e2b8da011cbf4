'use client'

import type { ReactNode } from 'react'
import { Form } from '../parts/form.tsx'
import { useGs } from '../use-gs.ts'

interface ResendVerificationFormProps {
  readonly email: string
  readonly onSent: () => void
}

export function ResendVerificationForm({ email, onSent }: ResendVerificationFormProps): ReactNode {
  const { client } = useGs()
  return (
    <Form path="/verify-email/resend" label="Resend mail" look="quiet" submit={() => client.resendVerification({ email })} onDone={onSent}>
      <input type="hidden" name="email" value={email} />
    </Form>
  )
}
