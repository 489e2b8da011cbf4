'use client'

import type { ReactNode } from 'react'
import { guest } from '../../texts/guest.ts'
import { ResendVerificationForm } from '../forms/resend-verification-form.tsx'
import { strongly } from '../parts/strongly.tsx'
import { LinkButton, Panel, useCoreText, useText } from '../toolkit.ts'

interface CheckMailProps {
  readonly email: string
  readonly onResent: () => void
  readonly onLogin: () => void
}

/** What comes after signing up. */
export function CheckMail({ email, onResent, onLogin }: CheckMailProps): ReactNode {
  const core = useCoreText()
  const say = useText(guest)
  return (
    <Panel heading={say('mail.title')}>
      <p>{strongly(say('mail.sent'), 'email', email)}</p>
      <p>{say('mail.nothing')}</p>
      <ResendVerificationForm email={email} onSent={onResent} />
      <p className="gs-more">
        <span>
          {say('mail.verified')} <LinkButton onClick={onLogin}>{core('login.title')}</LinkButton>
        </span>
      </p>
    </Panel>
  )
}
