'use client'

import { useRef, type ReactNode } from 'react'
import type { AdminAccount } from '../../client/admin-types.ts'
import { admin } from '../../texts/admin.ts'
import { LinkButton, useText } from '../toolkit.ts'
import { AccountMarks } from './account-marks.tsx'
import { AccountSearch } from './account-search.tsx'
import { levelText } from './levels.ts'
import { listOf } from './list-of.ts'
import { ListFoot } from './list-foot.tsx'
import { Moment } from './moment.tsx'
import { Page } from './page.tsx'
import type { AccountList } from './use-account-list.ts'

interface AccountsProps {
  readonly list: AccountList
  /** User name of the admin. */
  readonly self: string
  /** What was done last, in place of how many accounts are shown. */
  readonly said: string | null
  readonly onOpen: (account: AdminAccount) => void
}

/** The accounts that fit a search. */
export function Accounts({ list, self, said, onOpen }: AccountsProps): ReactNode {
  const say = useText(admin)
  const rows = useRef<HTMLTableSectionElement>(null)
  const { entries, page, busy } = list
  const count = entries?.length ?? 0
  const found = entries && say(count === 0 ? 'admin.none' : page?.next == null ? 'admin.found' : 'admin.found.part', { count })
  const headings = ['admin.name', 'admin.state.column', 'admin.level', 'admin.sectors', 'admin.sessions', 'admin.created'] as const

  const cell = (heading: (typeof headings)[number], content: ReactNode) => (
    <td>
      <span className="gs-cell-name">{say(heading)}</span>
      <span>{content}</span>
    </td>
  )

  return (
    <Page heading={say('admin.accounts')} said={said} found={found}>
      <AccountSearch filter={list.filter} setFilter={list.setFilter} />
      {count > 0 && (
        <table className="gs-table" aria-busy={busy} aria-label={say('admin.accounts')}>
          <thead>
            <tr>
              {headings.map((heading) => (
                <th key={heading} scope="col">
                  {say(heading)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody ref={rows}>
            {entries?.map((account) => (
              <tr key={account.id} data-entry={account.id} tabIndex={-1}>
                <th scope="row">
                  <LinkButton onClick={() => onOpen(account)}>
                    <bdi>{account.username}</bdi>
                  </LinkButton>
                  {account.email !== null && (
                    <span className="gs-hint">
                      <bdi>{account.email}</bdi>
                    </span>
                  )}
                </th>
                {cell('admin.state.column', <AccountMarks account={account} own={account.username === self} />)}
                {cell('admin.level', levelText(account.effectiveLevel, say))}
                {cell('admin.sectors', listOf(account.sectors, say) || '–')}
                {cell('admin.sessions', account.sessions)}
                {cell('admin.created', <Moment at={account.createdAt} />)}
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <ListFoot list={list} place={rows} />
    </Page>
  )
}
