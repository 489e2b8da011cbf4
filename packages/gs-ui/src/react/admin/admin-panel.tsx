'use client'

import type { ReactNode } from 'react'
import type { SessionInfo } from '../../client/session-info.ts'
import { admin } from '../../texts/admin.ts'
import { LinkButton, Panel, useCoreText, useText } from '../toolkit.ts'

interface AdminPanelProps {
  readonly session: SessionInfo
  readonly onBack: () => void
}

/** What an admin does with the accounts of others. */
export function AdminPanel({ onBack }: AdminPanelProps): ReactNode {
  const core = useCoreText()
  const say = useText(admin)
  return (
    <Panel heading={say('admin.title')}>
      <p className="gs-more">
        <LinkButton onClick={onBack}>{core('back')}</LinkButton>
      </p>
    </Panel>
  )
}
