'use client'

import { useContext } from 'react'
import type { GsFailure } from '../client/api-errors.ts'
import { core } from '../texts/core.ts'
import { fill, type TextValues } from '../texts/fill.ts'
import type { TextKey, Translation } from '../texts/translation.ts'
import { TextsContext } from './texts-context.ts'

/** Says a text of the table in the language of the page. */
export type Say<K extends string> = (key: K, values?: TextValues) => string

/** The function that says the texts of one English table, or what the language of the page has in their place. */
export function useText<K extends TextKey>(english: Readonly<Record<K, string>>): Say<K> {
  const { translation } = useContext(TextsContext)
  return (key, values = {}) => fill(translation?.[key] ?? english[key], values)
}

/** {@link useText} for what everybody sees. */
export const useCoreText = (): Say<keyof typeof core> => useText(core)

/** The function that says why something was refused: by its code, else in the server's words. */
export function useFailureText(): (failure: GsFailure) => string {
  const { translation } = useContext(TextsContext)
  return ({ code, message }) => translation?.[`error.${code}` as keyof Translation] ?? message
}
