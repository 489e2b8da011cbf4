'use client'

import { createContext } from 'react'

/** What a field learns from its form. */
export interface FormContextValue {
  /** Sentences for the fields that were refused, by name. */
  readonly errors: Readonly<Record<string, string>>
  /** What was typed before the panel went away, by name. */
  readonly draft: Readonly<Record<string, string>>
}

export const FormContext = createContext<FormContextValue>({ errors: {}, draft: {} })
