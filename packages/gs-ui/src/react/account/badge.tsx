'use client'

import type { ReactNode } from 'react'
import { adminLevel, type Member } from '../../client/session-info.ts'
import { account } from '../../texts/account.ts'
import { ResendVerificationForm } from '../forms/resend-verification-form.tsx'
import { strongly } from '../parts/strongly.tsx'
import { LinkButton, useText } from '../toolkit.ts'
import { Avatar } from './avatar.tsx'
import { LogoutForm } from './logout-form.tsx'

interface BadgeProps {
  readonly session: Member
  /** Whether the picture at gravatar.com is shown. */
  readonly gravatar: boolean
  readonly onAccount: () => void
  readonly onAdmin: () => void
  readonly onChangeEmail: () => void
  readonly onLogout: () => void
  readonly onResent: () => void
}

/** Who is logged in. */
export function Badge({ session, gravatar, onAccount, onAdmin, onChangeEmail, onLogout, onResent }: BadgeProps): ReactNode {
  const say = useText(account)
  const { username, email, verified, admin } = session
  return (
    <>
      <div className="gs-badge">
        <Avatar name={username} gravatarOf={gravatar ? email : null} />
        <div className="gs-who">
          <h2 className="gs-heading" tabIndex={-1}>
            <bdi>{username}</bdi>
          </h2>
          <p className="gs-marks">
            {admin && (
              <span className="gs-mark" data-mark="admin">
                {say('badge.admin')}
              </span>
            )}
            <span className="gs-mark" data-mark={verified ? 'verified' : 'unverified'}>
              {say(verified ? 'badge.verified' : 'badge.unverified')}
            </span>
          </p>
        </div>
      </div>
      {!verified && email !== null && (
        <div className="gs-callout">
          <p>{strongly(say('mail.sent'), 'email', email)}</p>
          <ResendVerificationForm email={email} onSent={onResent} />
          <p className="gs-more">
            <span>
              {say('badge.wrong')} <LinkButton onClick={onChangeEmail}>{say('badge.change')}</LinkButton>
            </span>
          </p>
        </div>
      )}
      <div className="gs-actions">
        <button type="button" className="gs-button" data-look="quiet" onClick={onAccount}>
          {say('account')}
        </button>
        {session.level >= adminLevel && (
          <button type="button" className="gs-button" data-look="quiet" onClick={onAdmin}>
            {say('administration')}
          </button>
        )}
        <LogoutForm onLogout={onLogout} />
      </div>
    </>
  )
}
