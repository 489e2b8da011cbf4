'use client'

import { useState, type ReactNode } from 'react'
import type { GsAdmin } from '../../client/admin-calls.ts'
import type { AdminAccount } from '../../client/admin-types.ts'
import type { GsFailure } from '../../client/api-errors.ts'
import { admin } from '../../texts/admin.ts'
import { common } from '../../texts/common.ts'
import { LinkButton, useCoreText, useFailureText, useText } from '../toolkit.ts'
import { Access } from './access.tsx'
import { AccountMarks } from './account-marks.tsx'
import { AccountSessions } from './account-sessions.tsx'
import { DeleteAccount } from './delete-account.tsx'
import { Fact } from './fact.tsx'
import { listOf } from './list-of.ts'
import { levelText } from './levels.ts'
import { Moment } from './moment.tsx'
import { Page } from './page.tsx'
import { Rights } from './rights.tsx'
import type { OpenAccount } from './use-open-account.ts'

interface AccountPageProps {
  readonly calls: GsAdmin
  readonly opened: OpenAccount
  /** User name of the admin. */
  readonly self: string
  /** All sectors of the application. */
  readonly sectors: readonly string[]
  /** The highest level that the admin may grant. */
  readonly highestLevel: number
  /** It is deleted; by this admin, or by another one. */
  readonly onGone: (said: string) => void
  readonly onHistory: (account: AdminAccount) => void
}

/** After these refusals the page may be wrong about the account. */
const outdated = new Set(['GS_RANK', 'GS_CONFLICT', 'GS_CONFIGURED_ADMIN', 'GS_SECTOR_UNKNOWN', 'GS_GROUP_UNKNOWN', 'GS_ACCOUNT_LOCKED'])

/** One account, and what can be done with it. */
export function AccountPage({ calls, opened, self, sectors, highestLevel, onGone, onHistory }: AccountPageProps): ReactNode {
  const core = useCoreText()
  const words = useText(common)
  const say = useText(admin)
  const failureText = useFailureText()
  // Each change has the list of the sessions loaded again.
  const [changes, setChanges] = useState(0)
  const { account, failure } = opened

  if (account === null) {
    return (
      <Page heading={say('admin.name')} said={null}>
        {failure === null ? (
          <p className="gs-loading">{core('loading')}</p>
        ) : (
          <p className="gs-failure">
            <span role="alert">{failureText(failure)}</span> <LinkButton onClick={opened.reload}>{core('try.again')}</LinkButton>
          </p>
        )}
      </Page>
    )
  }

  function onDone(changed: AdminAccount): void {
    opened.put(changed)
    setChanges((count) => count + 1)
  }

  function onRefused({ code }: GsFailure): void {
    if (code === 'GS_ACCOUNT_UNKNOWN') onGone(say('admin.gone'))
    else if (outdated.has(code)) opened.reload()
  }

  const { username, email, effectiveLevel, group, visits, lastLoginAt, createdAt, lockedAt, changeable, configured } = account
  const own = username === self
  const fixed = changeable ? null : say(configured ? 'admin.fixed.configured' : own ? 'admin.fixed.self' : 'admin.fixed.rank')
  const deed = { calls, account, onDone, onRefused }
  return (
    <Page heading={username} said={fixed}>
      <AccountMarks account={account} own={own} />
      <dl className="gs-facts">
        <Fact name={words('email')}>{email}</Fact>
        <Fact name={say('admin.level')}>{levelText(effectiveLevel, say)}</Fact>
        <Fact name={say('admin.group')}>{group}</Fact>
        <Fact name={say('admin.sectors')}>{listOf(account.sectors, say) || say('admin.none.value')}</Fact>
        <Fact name={say('admin.created')}>
          <Moment at={createdAt} />
        </Fact>
        <Fact name={say('admin.visits')}>{visits}</Fact>
        <Fact name={say('admin.last.login')}>{lastLoginAt === null ? say('admin.never') : <Moment at={lastLoginAt} />}</Fact>
        <Fact name={say('admin.locked.since')}>{lockedAt && <Moment at={lockedAt} />}</Fact>
      </dl>
      <p>
        <LinkButton onClick={() => onHistory(account)}>{say('admin.audit.of')}</LinkButton>
      </p>
      {changeable && <Access {...deed} />}
      {changeable && <Rights {...deed} sectors={sectors} highestLevel={highestLevel} />}
      <AccountSessions {...deed} changes={changes} />
      {changeable && <DeleteAccount {...deed} onDeleted={() => onGone(say('admin.deleted', { username }))} />}
    </Page>
  )
}
