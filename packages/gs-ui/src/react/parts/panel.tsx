'use client'

import type { ReactNode } from 'react'

interface PanelProps {
  readonly heading: string
  readonly children?: ReactNode
}

/** A panel and its heading, which gets the focus when the panel takes the place of another. */
export function Panel({ heading, children }: PanelProps): ReactNode {
  return (
    <>
      <h2 className="gs-heading" tabIndex={-1}>
        {heading}
      </h2>
      {children}
    </>
  )
}
