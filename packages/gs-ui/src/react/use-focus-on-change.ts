'use client'

import { useEffect, useRef, type RefObject } from 'react'
import type { Panel } from './panels/panel-for.ts'

/**
 * Moves the focus to the heading of a panel that takes the place of another, unless somebody is busy elsewhere on the page.
 * The first panel of a page takes no focus.
 */
export function useFocusOnChange(panel: Panel, root: RefObject<HTMLElement | null>): void {
  const shown = useRef<Panel>('loading')
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
