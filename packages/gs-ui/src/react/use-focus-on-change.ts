'use client'

import { useEffect, useRef, type RefObject } from 'react'

/**
 * Moves the focus to the heading of a panel that takes the place of another, unless somebody is busy elsewhere on the page.
 * The first panel of a page takes no focus.
 */
export function useFocusOnChange(panel: string, root: RefObject<HTMLElement | null>): void {
  const shown = useRef('loading')
  useEffect(() => {
    const before = shown.current
    shown.current = panel
    if (before === panel || before === 'loading') return
    const { activeElement } = document
    // The element that had the focus is gone with its panel; browsers say "body" then.
    const free = activeElement === null || activeElement === document.body || root.current?.contains(activeElement)
    if (free) root.current?.querySelector<HTMLElement>('.gs-heading')?.focus()
  }, [panel, root])
}
