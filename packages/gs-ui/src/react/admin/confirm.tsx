'use client'

import { useEffect, useRef, useState, type ReactNode } from 'react'
import { admin } from '../../texts/admin.ts'
import { LinkButton, useText } from '../toolkit.ts'

interface ConfirmProps {
  readonly label: string
  /** What a screen reader says in place of the label, where there are several of these. */
  readonly name?: string
  /** What follows when it is confirmed. */
  readonly text: string
  /** The form that does it. */
  readonly children: ReactNode
}

/** A button for what cannot be undone: says first what follows, and asks once more. */
export function Confirm({ label, name = label, text, children }: ConfirmProps): ReactNode {
  const say = useText(admin)
  const [open, setOpen] = useState(false)
  const opened = useRef(false)
  const group = useRef<HTMLFieldSetElement>(null)
  const button = useRef<HTMLButtonElement>(null)

  useEffect(() => {
    if (!open && opened.current) button.current?.focus()
    opened.current = open
    const { current: question } = group
    if (question === null) return undefined
    // Not the button inside it: whoever keeps Enter pressed shall not confirm by that.
    question.focus()
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key === 'Escape') setOpen(false)
    }
    question.addEventListener('keydown', onKeyDown)
    return () => question.removeEventListener('keydown', onKeyDown)
  }, [open])

  if (!open) {
    return (
      <button ref={button} type="button" className="gs-button" data-look="danger-quiet" aria-label={name} onClick={() => setOpen(true)}>
        {label}
      </button>
    )
  }
  return (
    <fieldset ref={group} className="gs-confirm" tabIndex={-1} aria-label={`${name}. ${text}`}>
      <p>{text}</p>
      {children}
      <LinkButton onClick={() => setOpen(false)}>{say('admin.cancel')}</LinkButton>
    </fieldset>
  )
}
