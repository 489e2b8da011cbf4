'use client'

import { useContext, useEffect, useRef, useState, type ReactNode, type SubmitEvent } from 'react'
import type { GsFailure, GsResult } from '../../client/api-errors.ts'
import { useSession } from '../use-gs.ts'
import { useFailureText } from '../use-text.tsx'
import { DraftsContext } from './drafts.ts'
import { FormContext } from './form-context.ts'
import { findEmpty, noRefusal, refusalOf, withoutError, type Refusal } from './refusal.ts'
import { RetryCountdown } from './retry-countdown.tsx'

interface FormProps<T> {
  /** Path below the prefix. With the names of the fields it makes a form which the server also understands when no script runs. */
  readonly path: string
  /** Name of the button. */
  readonly label: ReactNode
  readonly look?: 'primary' | 'quiet' | 'danger' | 'danger-quiet' | 'link'
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

/** What was refused, in no language yet. */
interface Refused {
  /** What the server said; null: it was not sent. */
  readonly failure: GsFailure | null
  readonly data: FormData
  /** Fields that somebody has changed since. */
  readonly mended: readonly string[]
}

const readIn = (data: FormData) => (name: string) => {
  const value = data.get(name)
  return typeof value === 'string' ? value : ''
}

/** One form: sends it once, keeps what was typed, and says what was refused at the field it is about. */
export function Form<T>(props: FormProps<T>): ReactNode {
  const { path, label, look = 'primary', required = {}, check, submit, onDone, onRefused, children } = props
  const { client } = useSession()
  const failureText = useFailureText()
  const drafts = useContext(DraftsContext)
  // Read once: what is typed from now on is in the fields.
  const [draft] = useState(() => drafts?.get(path) ?? {})
  const [busy, setBusy] = useState(false)
  const [refused, setRefused] = useState<Refused | null>(null)
  const [refusals, setRefusals] = useState(0)
  const form = useRef<HTMLFormElement>(null)
  // Two submits can arrive before React has rendered "busy".
  const sending = useRef(false)

  useEffect(() => {
    if (refusals > 0) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
  }, [refusals])

  function refuse(data: FormData, failure: GsFailure | null): void {
    setRefused({ failure, data, mended: [] })
    setRefusals((count) => count + 1)
  }

  function wrongIn(data: FormData): Refusal['errors'] {
    const read = readIn(data)
    const empty = findEmpty(required, read)
    return Object.keys(empty).length > 0 ? empty : (check?.(read) ?? {})
  }

  async function send(data: FormData): Promise<void> {
    if (Object.keys(wrongIn(data)).length > 0) return refuse(data, null)
    setRefused(null)
    setBusy(true)
    const result = await submit(readIn(data))
    setBusy(false)
    if (result.ok) {
      drafts?.delete(path)
      return onDone?.(result.value)
    }
    onRefused?.(result.error)
    refuse(data, result.error)
  }

  function say({ failure, data, mended }: Refused): Refusal {
    const said =
      failure === null
        ? { ...noRefusal, errors: wrongIn(data) }
        : refusalOf({ ...failure, message: failureText(failure) }, (name) => data.has(name))
    return mended.reduce(withoutError, said)
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
    if (!(event.target instanceof HTMLInputElement)) return
    const { name, value } = event.target
    if (!/password|code/i.test(name)) drafts?.set(path, { ...drafts.get(path), [name]: value })
    setRefused((current) => (current?.mended.includes(name) === false ? { ...current, mended: [...current.mended, name] } : current))
  }

  // Each time anew: the language of the page may be another one by now.
  const { errors, general, retryAfter } = refused === null ? noRefusal : say(refused)
  return (
    <form
      ref={form}
      className="gs-form"
      method="post"
      action={client.prefix + path}
      noValidate
      aria-busy={busy}
      data-state={busy ? 'busy' : refused === null ? 'idle' : 'refused'}
      onSubmit={onSubmit}
      onInput={onInput}
    >
      <FormContext.Provider value={{ errors, draft }}>{children}</FormContext.Provider>
      {(general !== null || retryAfter !== null) && (
        <div className="gs-failure">
          {general !== null && <p role="alert">{general}</p>}
          {retryAfter !== null && <RetryCountdown key={refusals} seconds={retryAfter} />}
        </div>
      )}
      {/* aria-disabled and not disabled: a disabled button would lose the keyboard's place. */}
      <button type="submit" className="gs-button" data-look={look} aria-disabled={busy}>
        {label}
      </button>
    </form>
  )
}
