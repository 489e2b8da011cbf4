'use client'

import type { ReactNode } from 'react'

/** Initials on a colour that belongs to the name. No picture service learns who visits the page. */
export function Avatar({ name }: { readonly name: string }): ReactNode {
  return (
    <span className="gs-avatar" data-hue={hueOf(name)} aria-hidden="true">
      {initialsOf(name)}
    </span>
  )
}

function initialsOf(name: string): string {
  const words = name.split(/[\s._-]+/u).filter(Boolean)
  const letters = words.length > 1 ? words.slice(0, 2).map((word) => Array.from(word)[0]) : Array.from(name).slice(0, 1)
  return letters.join('').toUpperCase()
}

function hueOf(name: string): number {
  return Array.from(name).reduce((sum, character) => (sum * 31 + (character.codePointAt(0) ?? 0)) % 997, 7) % 8
}
