'use client'

import { useMemo, useRef, type ReactNode } from 'react'
import type { GsAdmin } from '../../client/admin-calls.ts'
import type { AuditEntry, AuditList } from '../../client/admin-types.ts'
import { admin } from '../../texts/admin.ts'
import { LinkButton, useText } from '../toolkit.ts'
import { actionName, auditDetails } from './audit-details.ts'
import { Fact } from './fact.tsx'
import { ListFoot } from './list-foot.tsx'
import { Moment } from './moment.tsx'
import { Page } from './page.tsx'
import { usePaged } from './use-paged.ts'

interface HistoryProps {
  readonly calls: GsAdmin
  /** The account that it is about; null: about all. */
  readonly about: { readonly id: string; readonly username: string } | null
  readonly onAll: () => void
  readonly onOpen: (id: string) => void
}

const entriesOf = ({ entries }: AuditList) => entries

/** What admins and operators have done. */
export function History({ calls, about, onAll, onOpen }: HistoryProps): ReactNode {
  const say = useText(admin)
  const rows = useRef<HTMLOListElement>(null)
  const account = about?.id
  const load = useMemo(
    () => (after: string | null) => calls.audit({ ...(account !== undefined && { account }), ...(after !== null && { after }) }),
    [calls, account]
  )
  const list = usePaged(load, entriesOf)
  const { entries, page, busy } = list
  const count = entries?.length ?? 0
  const found = entries && say(count === 0 ? 'admin.audit.none' : page?.next == null ? 'admin.found' : 'admin.found.part', { count })

  function subject({ accountId, username }: AuditEntry): ReactNode {
    if (accountId === null) return null
    if (username === null) return <span className="gs-hint">{say('admin.audit.deleted')}</span>
    return (
      <LinkButton onClick={() => onOpen(accountId)}>
        <bdi>{username}</bdi>
      </LinkButton>
    )
  }

  return (
    <Page heading={say('admin.audit')} said={null} found={found}>
      {about !== null && (
        <p>
          {say('admin.audit.about', { username: about.username })} <LinkButton onClick={onAll}>{say('admin.audit.all')}</LinkButton>
        </p>
      )}
      <ol ref={rows} className="gs-rows" aria-busy={busy}>
        {entries?.map((entry) => (
          <li key={entry.id} data-entry={entry.id} tabIndex={-1}>
            <div>
              <p className="gs-row-name">
                <strong>{actionName(entry.action, say)}</strong> {subject(entry)}
              </p>
              <dl className="gs-facts">
                {auditDetails(entry.details, say).map(([name, value]) => (
                  <Fact key={name} name={name}>
                    {value}
                  </Fact>
                ))}
              </dl>
              <p className="gs-hint">
                <Moment at={entry.at} />{' '}
                {entry.ip === null
                  ? say('admin.audit.by', { actor: entry.actor })
                  : say('admin.audit.by.from', { actor: entry.actor, ip: entry.ip })}
              </p>
            </div>
          </li>
        ))}
      </ol>
      <ListFoot list={list} place={rows} />
    </Page>
  )
}
