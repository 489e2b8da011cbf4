'use client'

import { useContext, useId, type InputHTMLAttributes, type ReactNode } from 'react'
import { FormContext } from './form-context.ts'

interface TextFieldProps extends Pick<
  InputHTMLAttributes<HTMLInputElement>,
  'type' | 'dir' | 'inputMode' | 'defaultValue' | 'autoComplete' | 'pattern' | 'onKeyDown' | 'onKeyUp' | 'onFocus' | 'onBlur'
> {
  readonly name: string
  readonly label: string
  /** Explains the field before anything is typed. */
  readonly hint?: ReactNode
  /** What is found out while typing; announced when it changes, silent while the field has an error. */
  readonly live?: ReactNode
  readonly onValue?: (value: string) => void
  /** Stands at the end of the input. */
  readonly children?: ReactNode
}

/** A labelled input with its hint and its error. */
export function TextField({
  name,
  label,
  hint,
  live,
  onValue,

  children,
  type = 'text',
  defaultValue,
  ...input
}: TextFieldProps): ReactNode {
  const id = useId()
  const { errors, draft } = useContext(FormContext)
  const error = errors[name]
  const describedBy = [error !== undefined && `${id}-error`, hint !== undefined && `${id}-hint`, live !== undefined && `${id}-live`]
  return (
    <div className="gs-field" data-state={error === undefined ? 'idle' : 'invalid'}>
      <label className="gs-label" htmlFor={id}>
        {label}
      </label>
      <div className="gs-control">
        <input
          {...input}
          id={id}
          className="gs-input"
          name={name}
          type={type}
          defaultValue={draft[name] ?? defaultValue}
          required
          autoCapitalize="none"
          autoCorrect="off"
          // As a text: Preact leaves out what is false, and browsers send what they check, a password that is shown too.
          spellCheck="false"
          aria-invalid={error !== undefined}
          aria-describedby={describedBy.filter(Boolean).join(' ') || undefined}
          onInput={onValue && ((event) => onValue(event.currentTarget.value))}
        />
        {children}
      </div>
      {error !== undefined && (
        <p className="gs-error" id={`${id}-error`}>
          {error}
        </p>
      )}
      {hint !== undefined && (
        <p className="gs-hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {live !== undefined && (
        <p className="gs-hint" id={`${id}-live`} aria-live="polite">
          {error === undefined && live}
        </p>
      )}
    </div>
  )
}
