'use client'

import type { ReactNode } from 'react'
import { ResendVerificationForm } from '../forms/resend-verification-form.tsx'
import { LinkButton } from '../parts/link-button.tsx'
import { Panel } from '../parts/panel.tsx'

interface CheckMailProps {
  readonly email: string
  readonly onResent: () => void
  readonly onLogin: () => void
}

/** What comes after signing up. */
export function CheckMail({ email, onResent, onLogin }: CheckMailProps): ReactNode {
  return (
    <Panel heading="Check your mail">
      <p>
        We sent a mail to <strong>{email}</strong>. Please open the link in it to verify your address.
      </p>
      <p>Nothing there after a few minutes? Look among the unwanted mail, or let us send it again.</p>
      <ResendVerificationForm email={email} onSent={onResent} />
      <p className="gs-more">
        <span>
          Verified already? <LinkButton onClick={onLogin}>Log in</LinkButton>
        </span>
      </p>
    </Panel>
  )
}
