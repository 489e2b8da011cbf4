'use client'

import type { MouseEvent, ReactNode } from 'react'

interface LinkButtonProps {
  readonly onClick: (event: MouseEvent<HTMLButtonElement>) => void
  readonly children: ReactNode
}

/** Leads to another panel. */
export function LinkButton({ onClick, children }: LinkButtonProps): ReactNode {
  return (
    <button type="button" className="gs-link" onClick={onClick}>
      {children}
    </button>
  )
}
