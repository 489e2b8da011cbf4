'use client'

import { useEffect, useId, useRef, type FormEvent, type ReactNode } from 'react'
import { admin } from '../../texts/admin.ts'
import { useText } from '../toolkit.ts'
import type { AccountFilter } from './use-account-list.ts'

interface AccountSearchProps {
  readonly filter: AccountFilter
  readonly setFilter: (filter: AccountFilter) => void
}

const states = ['verified', 'unverified', 'locked', 'must-change-password'] as const

/** How long typing must rest before the server is asked, in ms. */
const rest = 250

export function AccountSearch({ filter, setFilter }: AccountSearchProps): ReactNode {
  const say = useText(admin)
  const id = useId()
  const form = useRef<HTMLFormElement>(null)
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])

  function search(): void {
    clearTimeout(timer.current)
    if (form.current === null) return
    const data = new FormData(form.current)
    const read = data.get('search')
    const typed = typeof read === 'string' ? read.trim() : ''
    const state = states.find((known) => known === data.get('state')) ?? null
    if (typed !== filter.search || state !== filter.state) setFilter({ search: typed, state })
  }

  function onSubmit(event: FormEvent): void {
    event.preventDefault()
    search()
  }

  function onInput(): void {
    clearTimeout(timer.current)
    timer.current = setTimeout(search, rest)
  }

  return (
    <search>
      <form ref={form} className="gs-search" onSubmit={onSubmit}>
        <div className="gs-field">
          <label className="gs-label" htmlFor={`${id}-search`}>
            {say('admin.search')}
          </label>
          <input
            id={`${id}-search`}
            className="gs-input"
            type="search"
            name="search"
            maxLength={320}
            defaultValue={filter.search}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck="false"
            onInput={onInput}
          />
        </div>
        <div className="gs-field">
          <label className="gs-label" htmlFor={`${id}-state`}>
            {say('admin.state')}
          </label>
          <select id={`${id}-state`} className="gs-input" name="state" value={filter.state ?? ''} onChange={search}>
            <option value="">{say('admin.state.all')}</option>
            {states.map((state) => (
              <option key={state} value={state}>
                {say(`admin.state.${state}`)}
              </option>
            ))}
          </select>
        </div>
        <button type="submit" className="gs-hidden" tabIndex={-1}>
          {say('admin.find')}
        </button>
      </form>
    </search>
  )
}
