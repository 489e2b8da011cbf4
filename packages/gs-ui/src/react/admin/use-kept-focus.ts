'use client'

import { useEffect, useRef, type RefObject } from 'react'

/** Whether the element that had the focus is gone; browsers say "body" then. */
export const isFocusLost = () => document.activeElement === null || document.activeElement === document.body

/** Gives the focus to an element when what had it went away with this change. */
export function useKeptFocus<E extends HTMLElement>(change: unknown): RefObject<E | null> {
  const element = useRef<E>(null)
  useEffect(() => {
    if (change !== null && isFocusLost()) element.current?.focus()
  }, [change])
  return element
}
