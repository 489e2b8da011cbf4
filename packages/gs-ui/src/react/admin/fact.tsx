'use client'

import type { ReactNode } from 'react'

interface FactProps {
  readonly name: string
  /** Null: there is nothing to say. */
  readonly children: ReactNode
}

/** A name and its value in a `<dl>`. */
export function Fact({ name, children }: FactProps): ReactNode {
  return (
    children !== null && (
      <div>
        <dt>{name}</dt>
        {/* Addresses are written from left to right also where everything else is not. */}
        <dd>
          <bdi>{children}</bdi>
        </dd>
      </div>
    )
  )
}
