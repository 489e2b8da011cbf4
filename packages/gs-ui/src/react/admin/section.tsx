'use client'

import { useId, type ReactNode } from 'react'
import { useKeptFocus } from './use-kept-focus.ts'

interface SectionProps {
  readonly heading: string
  /** What was done here last. */
  readonly said: string | null
  readonly children: ReactNode
}

/** A part of a page, which says beside its heading what was done in it; the heading takes the focus of a control that went away with that. */
export function Section({ heading, said, children }: SectionProps): ReactNode {
  const id = useId()
  const title = useKeptFocus<HTMLHeadingElement>(said)
  return (
    <section className="gs-section" aria-labelledby={id}>
      <div className="gs-section-head">
        <h4 ref={title} id={id} className="gs-subheading" tabIndex={-1}>
          {heading}
        </h4>
        <output className="gs-said">{said}</output>
      </div>
      {children}
    </section>
  )
}
