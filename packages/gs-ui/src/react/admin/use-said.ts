'use client'

import { useState } from 'react'

/** What was done last, and the function that says it. Said again it carries a number, because a screen reader announces only what changes. */
export function useSaid(first: string | null = null): readonly [said: string | null, tell: (text: string | null) => void] {
  const [{ text, times }, setSaid] = useState({ text: first, times: 1 })
  const tell = (next: string | null) => setSaid((before) => ({ text: next, times: before.text === next ? before.times + 1 : 1 }))
  return [text !== null && times > 1 ? `${text} (${times})` : text, tell]
}
