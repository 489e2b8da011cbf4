'use client'

import { useContext, type ReactNode } from 'react'
import { localeOf } from '../parts/locale-of.ts'
import { TextsContext } from '../toolkit.ts'

/** A time, as people in the language of the page write it. */
export function Moment({ at }: { /** ms since 1970 */ readonly at: number }): ReactNode {
  const { language } = useContext(TextsContext)
  const date = new Date(at)
  // English is written in many countries, each with its own dates: the browser knows which.
  const locale = navigator.language.startsWith(language) ? navigator.language : localeOf(language)
  return <time dateTime={date.toISOString()}>{date.toLocaleString(locale, { dateStyle: 'medium', timeStyle: 'short' })}</time>
}
