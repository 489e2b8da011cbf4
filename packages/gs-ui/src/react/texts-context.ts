'use client'

import { createContext } from 'react'
import type { Translation } from '../texts/translation.ts'

/** In which language the widget speaks. */
export interface Texts {
  /** Tag of the language, for dates and the attribute `lang`. */
  readonly language: string
  /** What is said otherwise than in the built-in English; null: it is still being loaded. */
  readonly translation: Partial<Translation> | null
}

export const TextsContext = createContext<Texts>({ language: 'en', translation: {} })
