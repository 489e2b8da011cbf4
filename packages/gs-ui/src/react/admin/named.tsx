'use client'

import type { ReactNode } from 'react'

interface NamedProps {
  readonly shown: string
  /** What a screen reader says in its place: that which tells it from its neighbours. */
  readonly name: string
}

/** Name of a button that stands in each row of a list. */
export function Named({ shown, name }: NamedProps): ReactNode {
  return (
    <>
      <span aria-hidden="true">{shown}</span>
      <span className="gs-hidden">{name}</span>
    </>
  )
}
