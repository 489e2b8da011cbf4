'use client'

import type { ReactNode } from 'react'
import { LinkButton, useCoreText } from '../toolkit.ts'

interface BackLinkProps {
  /** Undefined: there is nothing to go back to, and no link. */
  readonly onBack: (() => void) | undefined
  /** Default: "Back". */
  readonly label?: string | undefined
}

/** Stands below a panel and leads to the one before it. */
export function BackLink({ onBack, label }: BackLinkProps): ReactNode {
  const core = useCoreText()
  return (
    onBack && (
      <p className="gs-more">
        <LinkButton onClick={onBack}>{label ?? core('back')}</LinkButton>
      </p>
    )
  )
}
