'use client'

import { useEffect, useRef, type RefObject } from 'react'

interface KeptPlace {
  /** For the element around the list and its buttons. */
  readonly place: RefObject<HTMLDivElement | null>
  /** To be called before the list changes. */
  readonly note: () => void
}

/**
 * Keeps the keyboard's place in a list when the entry that had the focus goes away: at the entry that stands there now, else at the heading of
 * the panel. And takes a double click for one: its second half would fall on the entry that has just moved under the pointer.
 */
export function useKeptPlace(): KeptPlace {
  const place = useRef<HTMLDivElement>(null)
  const index = useRef(-1)

  useEffect(() => {
    const element = place.current
    const hold = (event: MouseEvent) => {
      if (event.detail > 1) event.preventDefault()
    }
    element?.addEventListener('click', hold, true)
    return () => element?.removeEventListener('click', hold, true)
  }, [])

  const note = () => {
    const stops = [...(place.current?.querySelectorAll('button') ?? [])]
    index.current = stops.findIndex((button) => button === document.activeElement || button.closest('li')?.contains(document.activeElement))
  }
  // Without dependencies: it has nothing to do unless something was noted.
  useEffect(() => {
    const before = index.current
    index.current = -1
    const { activeElement } = document
    if (before < 0 || (activeElement !== null && activeElement !== document.body)) return
    const items = [...(place.current?.querySelectorAll<HTMLElement>('li:has(button)') ?? [])]
    const item = items[Math.min(before, items.length - 1)]
    // The entry and not its button: who holds the key down must not end one after the other.
    ;(item ?? place.current?.closest('.gs-panel')?.querySelector<HTMLElement>('.gs-heading'))?.focus()
  })

  return { place, note }
}
