'use client'

import type { ReactNode } from 'react'
import { account } from '../../texts/account.ts'
import { LinkButton, Panel, useCoreText, useText } from '../toolkit.ts'

interface SessionsProps {
  readonly onNotice: (notice: 'ended' | 'endedothers') => void
  readonly onBack: () => void
}

/** Where somebody is logged in. */
export function Sessions({ onBack }: SessionsProps): ReactNode {
  const core = useCoreText()
  const say = useText(account)
  return (
    <Panel heading={say('sessions.title')}>
      <p className="gs-more">
        <LinkButton onClick={onBack}>{core('back')}</LinkButton>
      </p>
    </Panel>
  )
}
