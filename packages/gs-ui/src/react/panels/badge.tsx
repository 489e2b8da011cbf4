'use client'

import type { ReactNode } from 'react'
import type { SessionInfo } from '../../client/session-info.ts'
import { LogoutForm } from '../forms/logout-form.tsx'
import { ResendVerificationForm } from '../forms/resend-verification-form.tsx'
import { Avatar } from '../parts/avatar.tsx'

/** The session of somebody who is logged in. */
export type Member = SessionInfo & { readonly username: string }

interface BadgeProps {
  readonly session: Member
  readonly onAccount: () => void
  readonly onLogout: () => void
  readonly onResent: () => void
}

/** Who is logged in. */
export function Badge({ session, onAccount, onLogout, onResent }: BadgeProps): ReactNode {
  const { username, email, verified, admin } = session
  return (
    <>
      <div className="gs-badge">
        <Avatar name={username} />
        <div className="gs-who">
          <h2 className="gs-heading" tabIndex={-1}>
            {username}
          </h2>
          <p className="gs-marks">
            {admin && (
              <span className="gs-mark" data-mark="admin">
                Admin
              </span>
            )}
            <span className="gs-mark" data-mark={verified ? 'verified' : 'unverified'}>
              {verified ? 'Verified' : 'Not verified'}
            </span>
          </p>
        </div>
      </div>
      {!verified && email !== null && (
        <div className="gs-callout">
          <p>
            We sent a mail to <strong>{email}</strong>. Please open the link in it to verify the address.
          </p>
          <ResendVerificationForm email={email} onSent={onResent} />
        </div>
      )}
      <div className="gs-actions">
        <button type="button" className="gs-button" data-look="quiet" onClick={onAccount}>
          Account
        </button>
        <LogoutForm onLogout={onLogout} />
      </div>
    </>
  )
}
