'use client'

import type { ReactNode } from 'react'
import type { SessionInfo } from '../../client/session-info.ts'
import { account } from '../../texts/account.ts'
import { Panel, useText } from '../toolkit.ts'
import { BackLink } from './back-link.tsx'

interface AccountProps {
  readonly session: SessionInfo
  readonly onChangePassword: () => void
  readonly onChangeEmail: () => void
  readonly onSessions: () => void
  readonly onDeleteAccount: () => void
  /** Undefined: there is no way back. */
  readonly onBack: (() => void) | undefined
}

/** What one can do with the own account. */
export function Account(props: AccountProps): ReactNode {
  const { session, onChangePassword, onChangeEmail, onSessions, onDeleteAccount, onBack } = props
  const say = useText(account)
  const { username, email, admin: configured } = session
  return (
    <Panel heading={say('account.title')}>
      <dl className="gs-facts">
        <dt>{say('username')}</dt>
        <dd>
          <bdi>{username}</bdi>
        </dd>
        {email !== null && (
          <>
            <dt>{say('email')}</dt>
            <dd>
              <bdi>{email}</bdi>
            </dd>
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
      <BackLink onBack={onBack} />
    </Panel>
  )
}
