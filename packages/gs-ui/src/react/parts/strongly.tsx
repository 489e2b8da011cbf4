'use client'

import type { ReactNode } from 'react'

/** A text in which one name is filled in with something that stands out. */
export function strongly(text: string, name: string, value: string): ReactNode {
  const [before, ...after] = text.split(`{${name}}`)
  return (
    <>
      {before}
      {/* A Latin name in an Arabic sentence, or the other way round, must not move what stands beside it. */}
      <strong dir="auto">{value}</strong>
      {after.join(value)}
    </>
  )
}
