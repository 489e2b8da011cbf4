'use client'

import { useEffect, useRef, type RefObject } from 'react'

/** The widget that had the focus last: a page may have several. */
let holder: Element | null = null

/**
 * Moves the focus to the heading of a panel that takes the place of another, unless somebody is busy elsewhere on the page.
 * The first panel of a page takes no focus.
 */
export function useFocusOnChange(panel: string, root: RefObject<HTMLElement | null>): void {
  const shown = useRef('loading')
  const owed = useRef(false)
  useEffect(() => {
    const element = root.current
    const hold = () => {
      holder = element
    }
    element?.addEventListener('focusin', hold)
    return () => element?.removeEventListener('focusin', hold)
  }, [root])
  // After each render, because the heading may come later than the panel, which has to be loaded first.
  useEffect(() => {
    const before = shown.current
    shown.current = panel
    if (before !== panel) owed.current = before !== 'loading'
    const heading = root.current?.querySelector<HTMLElement>('.gs-heading')
    if (!owed.current || !heading) return
    owed.current = false
    const { activeElement } = document
    // The element that had the focus is gone with its panel; browsers say "body" then.
    const isLost = activeElement === null || activeElement === document.body
    const isOurs = isLost ? !holder?.isConnected || holder === root.current : root.current?.contains(activeElement)
    if (isOurs) heading.focus()
  })
}
