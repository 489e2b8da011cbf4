'use client'

import { useEffect, useState, type ReactNode } from 'react'

interface AvatarProps {
  readonly name: string
  /** Address whose picture at gravatar.com is shown if there is one; null: nobody outside is asked. */
  readonly gravatarOf: string | null
}

/** Initials on a colour that belongs to the name. No picture service learns who visits the page, unless the operator wants it. */
export function Avatar({ name, gravatarOf }: AvatarProps): ReactNode {
  const [found, setFound] = useState<{ readonly of: string; readonly address: string } | null>(null)
  useEffect(() => {
    if (gravatarOf === null) return undefined
    let current = true
    void gravatarAddress(gravatarOf).then((address) => current && address !== null && setFound({ of: gravatarOf, address }))
    return () => {
      current = false
    }
  }, [gravatarOf])
  return (
    <span className="gs-avatar" data-hue={hueOf(name)} aria-hidden="true">
      {initialsOf(name)}
      {found !== null && found.of === gravatarOf && (
        <img src={found.address} alt="" referrerPolicy="no-referrer" onError={() => setFound(null)} />
      )}
    </span>
  )
}

/** Null: this page is not served over https, so the browser computes no hashes. */
async function gravatarAddress(email: string): Promise<string | null> {
  if (globalThis.crypto?.subtle === undefined) return null
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(email.trim().toLowerCase()))
  const hex = Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('')
  return `https://gravatar.com/avatar/${hex}?s=88&d=404`
}

function initialsOf(name: string): string {
  const words = name.split(/[\s._-]+/u).filter(Boolean)
  const letters = words.length > 1 ? words.slice(0, 2).map((word) => Array.from(word)[0]) : Array.from(name).slice(0, 1)
  return letters.join('').toUpperCase()
}

function hueOf(name: string): number {
  return Array.from(name).reduce((sum, character) => (sum * 31 + (character.codePointAt(0) ?? 0)) % 997, 7) % 8
}
