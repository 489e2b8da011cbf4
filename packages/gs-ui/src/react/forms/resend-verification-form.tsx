'use client'

import type { ReactNode } from 'react'
import { common } from '../../texts/common.ts'
import { Form, useSession, useText } from '../toolkit.ts'

interface ResendVerificationFormProps {
  readonly email: string
  readonly onSent: () => void
}

export function ResendVerificationForm({ email, onSent }: ResendVerificationFormProps): ReactNode {
  const { client } = useSession()
  const say = useText(common)
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
