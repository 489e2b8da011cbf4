'use client'

import type { ReactNode } from 'react'
import type { Member } from './badge.tsx'
import { LinkButton } from '../parts/link-button.tsx'
import { Panel } from '../parts/panel.tsx'

interface AccountProps {
  readonly session: Member
  readonly onChangePassword: () => void
  readonly onDeleteAccount: () => void
  readonly onBack: () => void
}

/** What one can do with the own account. */
export function Account({ session, onChangePassword, onDeleteAccount, onBack }: AccountProps): ReactNode {
  const { username, email, admin } = session
  // Only the admin whom the server's configuration defines has no address; there is no row to change.
  const configured = admin && email === null
  return (
    <Panel heading="Account">
      <dl className="gs-facts">
        <dt>User name</dt>
        <dd>{username}</dd>
        {email !== null && (
          <>
            <dt>E-mail</dt>
            <dd>{email}</dd>
          </>
        )}
      </dl>
      {configured ? (
        <p>This account is defined in the configuration of the server; change it there.</p>
      ) : (
        <div className="gs-stack">
          <button type="button" className="gs-button" data-look="quiet" onClick={onChangePassword}>
            Change password
          </button>
          <button type="button" className="gs-button" data-look="danger-quiet" onClick={onDeleteAccount}>
            Delete account
          </button>
        </div>
      )}
      <p className="gs-more">
        <LinkButton onClick={onBack}>Back</LinkButton>
      </p>
    </Panel>
  )
}
