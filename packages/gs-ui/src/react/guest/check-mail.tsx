'use client'

import type { ReactNode } from 'react'
import { guest } from '../../texts/guest.ts'
import { LinkButton, Panel, ResendVerificationForm, strongly, useCoreText, useText } from '../toolkit.ts'

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
      <p>{strongly(core('mail.sent'), 'email', email)}</p>
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
