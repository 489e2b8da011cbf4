'use client'

import type { ReactNode } from 'react'
import type { SessionInfo } from '../../client/session-info.ts'
import { account } from '../../texts/account.ts'
import { LinkButton, Panel, useCoreText, useText } from '../toolkit.ts'

interface AccountProps {
  readonly session: SessionInfo
  readonly onChangePassword: () => void
  readonly onChangeEmail: () => void
  readonly onSessions: () => void
  readonly onDeleteAccount: () => void
  readonly onBack: () => void
}

/** What one can do with the own account. */
export function Account(props: AccountProps): ReactNode {
  const { session, onChangePassword, onChangeEmail, onSessions, onDeleteAccount, onBack } = props
  const core = useCoreText()
  const say = useText(account)
  const { username, email, admin: configured } = session
  return (
    <Panel heading={say('account.title')}>
      <dl className="gs-facts">
        <dt>{core('username')}</dt>
        <dd>{username}</dd>
        {email !== null && (
          <>
            <dt>{core('email')}</dt>
            <dd>{email}</dd>
          </>
        )}
      </dl>
      {configured && <p>{say('account.configured')}</p>}
      <div className="gs-stack">
        {!configured && (
          <>
            <button type="button" className="gs-button" data-look="quiet" onClick={onChangePassword}>
              {say('password.change')}
            </button>
            <button type="button" className="gs-button" data-look="quiet" onClick={onChangeEmail}>
              {say('email.change')}
            </button>
          </>
        )}
        <button type="button" className="gs-button" data-look="quiet" onClick={onSessions}>
          {say('sessions.title')}
        </button>
        {!configured && (
          <button type="button" className="gs-button" data-look="danger-quiet" onClick={onDeleteAccount}>
            {say('delete.title')}
          </button>
        )}
      </div>
      <p className="gs-more">
        <LinkButton onClick={onBack}>{core('back')}</LinkButton>
      </p>
    </Panel>
  )
}
