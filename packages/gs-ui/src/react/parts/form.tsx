'use client'

import { createContext, useEffect, useMemo, useRef, useState, type ReactNode, type SubmitEvent } from 'react'
import type { GsFailure, GsResult } from '../../client/api-errors.ts'
import { useGs } from '../use-gs.ts'
import { RetryCountdown } from './retry-countdown.tsx'

interface FormContextValue {
  /** Sentences for the fields that were refused, by name. */
  readonly errors: Readonly<Record<string, string>>
}

export const FormContext = createContext<FormContextValue>({ errors: {} })

interface FormProps<T> {
  /** Path below the prefix. With the names of the fields it makes a form which the server also understands when no script runs. */
  readonly path: string
  /** Name of the button. */
  readonly label: string
  readonly look?: 'primary' | 'quiet' | 'danger' | 'link'
  /** What to say at a field that was left empty, by name. */
  readonly required?: Readonly<Record<string, string>>
  /** A further check before anything is sent; returns what to say, by name of the field. */
  readonly check?: (read: (name: string) => string) => Readonly<Record<string, string>>
  readonly submit: (read: (name: string) => string) => Promise<GsResult<T>>
  readonly onDone?: (value: T) => void
  /** Told of each refusal by the server, before it is shown. */
  readonly onRefused?: (failure: GsFailure) => void
  readonly children?: ReactNode
}

/** One form: sends it once, keeps what was typed, and says what was refused at the field it is about. */
export function Form<T>(props: FormProps<T>): ReactNode {
  const { path, label, look = 'primary', required = {}, check, submit, onDone, onRefused, children } = props
  const { client } = useGs()
  const [busy, setBusy] = useState(false)
  const [errors, setErrors] = useState<Readonly<Record<string, string>>>({})
  const [failure, setFailure] = useState<GsFailure | null>(null)
  const [refusals, setRefusals] = useState(0)
  const form = useRef<HTMLFormElement>(null)
  // Two submits can arrive before React has rendered "busy".
  const sending = useRef(false)

  useEffect(() => {
    if (refusals > 0) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
  }, [refusals])

  function refuse(fieldErrors: Readonly<Record<string, string>>, general: GsFailure | null): void {
    setErrors(fieldErrors)
    setFailure(general)
    setRefusals((count) => count + 1)
  }

  async function send(data: FormData): Promise<void> {
    const read = (name: string): string => {
      const value = data.get(name)
      return typeof value === 'string' ? value : ''
    }
    const empty = Object.fromEntries(Object.entries(required).filter(([name]) => read(name) === ''))
    const wrong = Object.keys(empty).length > 0 ? empty : (check?.(read) ?? {})
    if (Object.keys(wrong).length > 0) return refuse(wrong, null)
    setErrors({})
    setFailure(null)
    setBusy(true)
    const result = await submit(read)
    setBusy(false)
    if (result.ok) return onDone?.(result.value)
    const { error } = result
    onRefused?.(error)
    if (error.field !== undefined && data.has(error.field)) refuse({ [error.field]: error.message }, null)
    else refuse({}, error)
  }

  function onSubmit(event: SubmitEvent<HTMLFormElement>): void {
    event.preventDefault()
    if (sending.current) return
    sending.current = true
    void send(new FormData(event.currentTarget)).finally(() => {
      sending.current = false
    })
  }

  function onInput(event: { target: EventTarget }): void {
    const name = event.target instanceof HTMLInputElement ? event.target.name : ''
    if (errors[name] !== undefined) setErrors(Object.fromEntries(Object.entries(errors).filter(([other]) => other !== name)))
  }

  return (
    <form
      ref={form}
      className="gs-form"
      method="post"
      action={client.prefix + path}
      noValidate
      aria-busy={busy}
      onSubmit={onSubmit}
      onInput={onInput}
    >
      <FormContext.Provider value={useMemo(() => ({ errors }), [errors])}>{children}</FormContext.Provider>
      {failure && (
        <div className="gs-failure">
          <p role="alert">{failure.message}</p>
          {failure.retryAfter !== undefined && <RetryCountdown key={refusals} seconds={failure.retryAfter} />}
        </div>
      )}
      {/* aria-disabled and not disabled: a disabled button would lose the keyboard's place. */}
      <button type="submit" className="gs-button" data-look={look} aria-disabled={busy}>
        {label}
      </button>
    </form>
  )
}
