'use client'

import type { ReactNode } from 'react'
import { Form } from '../parts/form.tsx'
import { useSession } from '../use-gs.ts'
import { useCoreText } from '../use-text.tsx'

interface ResendVerificationFormProps {
  readonly email: string
  readonly onSent: () => void
}

export function ResendVerificationForm({ email, onSent }: ResendVerificationFormProps): ReactNode {
  const { client } = useSession()
  const say = useCoreText()
  return (
    <Form
      path="/verify-email/resend"
      label={say('mail.resend')}
      look="quiet"
      submit={() => client.resendVerification({ email })}
      onDone={onSent}
    >
      <input type="hidden" name="email" value={email} />
    </Form>
  )
}
