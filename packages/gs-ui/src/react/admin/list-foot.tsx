'use client'

import { useEffect, useRef, type ReactNode, type RefObject } from 'react'
import type { AdminPage } from '../../client/admin-types.ts'
import { admin } from '../../texts/admin.ts'
import { LinkButton, useCoreText, useFailureText, useText } from '../toolkit.ts'
import type { Paged } from './use-paged.ts'

interface ListFootProps {
  readonly list: Pick<Paged<unknown, AdminPage>, 'entries' | 'page' | 'busy' | 'failure' | 'showMore' | 'reload'>
  /** Holds the entries, each marked with `data-entry`. */
  readonly place: RefObject<HTMLElement | null>
}

/** Below a list: leads to its next page, and says why it could not be loaded. The focus goes to the first entry that is new. */
export function ListFoot({ list, place }: ListFootProps): ReactNode {
  const core = useCoreText()
  const say = useText(admin)
  const failureText = useFailureText()
  const { entries, page, busy, failure } = list
  const count = entries?.length ?? 0
  const shown = useRef<number | null>(null)

  useEffect(() => {
    const { current: before } = shown
    if (before === null || busy) return
    shown.current = null
    if (count > before) place.current?.querySelectorAll<HTMLElement>('[data-entry]')[before]?.focus()
  }, [busy, count, place])

  function showMore(): void {
    shown.current ??= count
    list.showMore()
  }

  return (
    <>
      {entries === null && failure === null && <p className="gs-loading">{core('loading')}</p>}
      {failure !== null && (
        <p className="gs-failure">
          <span role="alert">{failureText(failure)}</span> <LinkButton onClick={list.reload}>{core('try.again')}</LinkButton>
        </p>
      )}
      {page !== null && page.next !== null && (
        <button type="button" className="gs-button" data-look="quiet" aria-disabled={busy} onClick={showMore}>
          {say('admin.more')}
        </button>
      )}
    </>
  )
}
