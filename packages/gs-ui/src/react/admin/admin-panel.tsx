'use client'

import { useEffect, useRef, useState, type ReactNode } from 'react'
import { createGsAdmin } from '../../client/admin-calls.ts'
import type { AdminAccount } from '../../client/admin-types.ts'
import type { SessionInfo } from '../../client/session-info.ts'
import { admin } from '../../texts/admin.ts'
import { LinkButton, Panel, useCalls, useCoreText, useText } from '../toolkit.ts'
import { AccountPage } from './account-page.tsx'
import { Accounts } from './accounts.tsx'
import { History } from './history.tsx'
import { Mail } from './mail.tsx'
import { useAccountList } from './use-account-list.ts'
import { isFocusLost } from './use-kept-focus.ts'
import { useOpenAccount } from './use-open-account.ts'

interface AdminPanelProps {
  readonly session: SessionInfo
  /** Undefined: there is no way back. */
  readonly onBack: (() => void) | undefined
}

type HistoryPlace = { readonly page: 'audit'; readonly about: Pick<AdminAccount, 'id' | 'username'> | null }

/** Where an admin is. */
type Place =
  | { readonly page: 'accounts'; /** The account that he comes back from. */ readonly from?: string }
  | { readonly page: 'account'; readonly id: string; readonly from: HistoryPlace | null }
  | { readonly page: 'mail' }
  | HistoryPlace

const pages = ['accounts', 'mail', 'audit'] as const

/** What an admin does with the accounts of others; all of it below the one panel of the widget. */
export function AdminPanel({ session, onBack }: AdminPanelProps): ReactNode {
  const core = useCoreText()
  const say = useText(admin)
  const calls = useCalls(createGsAdmin)
  const list = useAccountList(calls)
  const [place, setPlace] = useState<Place>({ page: 'accounts' })
  const [said, setSaid] = useState<string | null>(null)
  const shown = useRef(place)
  const root = useRef<HTMLDivElement>(null)
  const self = session.username ?? ''
  const opened = useOpenAccount(calls, {
    onFound: (found) => list.change((accounts) => accounts.map((other) => (other.id === found.id ? found : other))),
    onUnknown: (id) => onGone(id, say('admin.gone'))
  })

  useEffect(() => {
    const { current: before } = shown
    shown.current = place
    if (before === place) {
      // The panel was loaded after it was asked for: what had the focus is gone.
      if (isFocusLost()) root.current?.querySelector<HTMLElement>('.gs-heading')?.focus()
      return
    }
    const from = place.page === 'accounts' ? place.from : undefined
    const row = from === undefined ? null : root.current?.querySelector<HTMLElement>(`[data-entry="${CSS.escape(from)}"] button`)
    ;(row ?? root.current?.querySelector<HTMLElement>('.gs-page-heading'))?.focus()
  }, [place])

  function show(next: Place, text: string | null = null): void {
    opened.close()
    setSaid(text)
    setPlace(next)
  }

  function open(page: (typeof pages)[number]): void {
    show(page === 'audit' ? { page, about: null } : { page })
    // Asked for again: things may have changed.
    if (page === 'accounts') list.reload()
  }

  function openAccount(id: string, from: HistoryPlace | null): void {
    show({ page: 'account', id, from })
    opened.open(id, list.entries?.find((account) => account.id === id) ?? null)
  }

  function onGone(id: string, text: string): void {
    list.change((accounts) => accounts.filter((other) => other.id !== id))
    show({ page: 'accounts' }, text)
  }

  function page(): ReactNode {
    switch (place.page) {
      case 'accounts':
        return (
          <Accounts
            list={{
              ...list,
              setFilter: (filter) => {
                setSaid(null)
                list.setFilter(filter)
              }
            }}
            self={self}
            said={said}
            onOpen={({ id }) => openAccount(id, null)}
          />
        )
      case 'account':
        return (
          <>
            <p>
              <LinkButton onClick={() => show(place.from ?? { page: 'accounts', from: place.id })}>
                {place.from === null ? say('admin.to.accounts') : core('back')}
              </LinkButton>
            </p>
            <AccountPage
              key={place.id}
              calls={calls}
              opened={opened}
              self={self}
              sectors={list.page?.sectors ?? []}
              highestLevel={list.page?.highestLevel ?? 0}
              onGone={(text) => onGone(place.id, text)}
              onHistory={({ id, username }) => show({ page: 'audit', about: { id, username } })}
            />
          </>
        )
      case 'mail':
        return <Mail calls={calls} />
      default:
        return <History calls={calls} about={place.about} onAll={() => open('audit')} onOpen={(id) => openAccount(id, place)} />
    }
  }

  return (
    <Panel heading={say('admin.title')}>
      <div ref={root} className="gs-admin">
        <nav className="gs-pages" aria-label={say('admin.pages')}>
          {onBack && <LinkButton onClick={onBack}>{say('admin.leave')}</LinkButton>}
          {pages.map((name) => {
            const current = place.page === name || (name === 'accounts' && place.page === 'account')
            return (
              <button key={name} type="button" className="gs-page" aria-current={current ? 'page' : undefined} onClick={() => open(name)}>
                {say(`admin.${name}`)}
              </button>
            )
          })}
        </nav>
        <div className="gs-page-content">{page()}</div>
      </div>
    </Panel>
  )
}
