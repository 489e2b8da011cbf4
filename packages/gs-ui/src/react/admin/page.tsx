'use client'

import type { ReactNode } from 'react'
import { useKeptFocus } from './use-kept-focus.ts'

interface PageProps {
  readonly heading: string
  /** What was done here last; the heading takes the focus of a control that went away with that. */
  readonly said: string | null
  /** What is to be known while nothing was done. */
  readonly found?: string | null
  readonly children: ReactNode
}

/** One page of the administration. Its heading gets the focus when the page takes the place of another. */
export function Page({ heading, said, found = null, children }: PageProps): ReactNode {
  const title = useKeptFocus<HTMLHeadingElement>(said)
  return (
    <>
      <div className="gs-section-head">
        <h3 ref={title} className="gs-page-heading" tabIndex={-1}>
          <bdi>{heading}</bdi>
        </h3>
        <output className="gs-said">{said ?? found}</output>
      </div>
      {children}
    </>
  )
}
