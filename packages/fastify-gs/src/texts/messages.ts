import { errorDetails, fillText, type GsError } from '../errors.ts'
import type { ResolvedOptions } from '../options.ts'
import { texts as ar } from './ar.ts'
import { texts as de } from './de.ts'
import { texts as en } from './en.ts'
import { texts as es } from './es.ts'
import { texts as fr } from './fr.ts'
import { texts as ja } from './ja.ts'
import type { TextCode, Translation } from './translation.ts'

/** The languages that fastify-gs speaks by itself. */
export const translations: Readonly<Record<string, Translation>> = { en, de, es, fr, ja, ar }

type Values = Readonly<Record<string, string | number>>

/** Texts that belong together, all in one language. */
export interface TextsIn<C extends string> {
  readonly language: string
  readonly texts: Readonly<Record<C, string>>
}

/** The message table: ours, and that of the option `messages`. */
export interface Messages {
  /** The languages that the site speaks, that of the option `language` first. */
  readonly languages: readonly string[]
  /**
   * The text of a code, with values in the place of `{name}`: in the language, else in its primary one (`de` for `de-AT`), else in the default
   * one, else in English, else the code itself. Never throws.
   */
  message(code: string, language?: string | null, values?: Values): string
  /** The sentence of a refusal, and in what language it is; null: in that of the application, which wrote it. */
  ofError(error: GsError, language: string | null): { readonly text: string; readonly language: string | null }
  /** All these texts in one language: the first, in the order of `message`, that has them all. */
  together<C extends TextCode>(codes: readonly C[], language: string | null): TextsIn<C>
}

/** Canonical, without extensions (`-u-…`); null: not a language tag. */
export function languageTag(text: string): string | null {
  if (text.length > 35) return null
  try {
    return new Intl.Locale(text).baseName
  } catch {
    return null
  }
}

const primaryOf = (tag: string) => tag.split('-', 1)[0]!

export function createMessages({
  language: defaultLanguage,
  languages: spoken,
  messages: own
}: Pick<ResolvedOptions, 'language' | 'languages' | 'messages'>): Messages {
  const tables = new Map<string, Map<string, string>>()
  const add = (language: string, texts: Readonly<Record<string, string>>) => {
    const table = tables.get(language) ?? new Map<string, string>()
    tables.set(language, table)
    for (const [code, text] of Object.entries(texts)) table.set(code, text)
  }
  const isSpoken = (language: string) => language === 'en' || spoken.some((tag) => primaryOf(tag) === language)
  for (const [language, texts] of Object.entries(translations)) if (isSpoken(language)) add(language, texts)
  for (const [language, texts] of Object.entries(own)) add(languageTag(language) ?? language, texts)

  /** The tag and what it stands for, then the default, then English. */
  const chain = (language: string | null): string[] => {
    const tags = [language === null ? null : languageTag(language), languageTag(defaultLanguage), 'en']
    return tags.filter((tag) => tag !== null)
  }
  const lookUp = (tag: string, code: string) => {
    const full = tables.get(tag)?.get(code)
    if (full !== undefined) return { text: full, language: tag }
    const primary = primaryOf(tag)
    const text = tables.get(primary)?.get(code)
    return text === undefined ? null : { text, language: primary }
  }
  const find = (code: string, language: string | null) => {
    for (const tag of chain(language)) {
      const found = lookUp(tag, code)
      if (found !== null) return found
    }
    return null
  }

  return {
    languages: [...new Set([defaultLanguage, ...spoken].map((tag) => languageTag(tag) ?? 'en'))],
    message(code, language = null, values = {}) {
      const found = find(code, language)
      return found === null ? code : fillText(found.text, values)
    },
    ofError(error, language) {
      const { reason, reasonCode, values = {} } = errorDetails(error)
      const found = find(error.code, language)
      // Made without gsError() by somebody who knows best what it should say.
      if (found === null) return { text: error.message, language: null }
      const detail = reasonCode === undefined ? null : find(reasonCode, language)
      const { text } = found
      if (detail !== null) return { text: fillText(text, { ...values, reason: fillText(detail.text, values) }), language: found.language }
      if (text === '{reason}') return { text: error.message, language: null }
      // A sentence of its own that the error was given: its values are not known.
      if (reason === undefined && text.includes('{reason}')) return { text: error.message, language: 'en' }
      return { text: fillText(text, { ...values, ...(reason !== undefined && { reason }) }), language: found.language }
    },
    together<C extends TextCode>(codes: readonly C[], language: string | null) {
      for (const tag of chain(language)) {
        const found = codes.map((code) => [code, lookUp(tag, code)] as const)
        if (!found.every(([, one]) => one !== null)) continue
        const exact = found.some(([, one]) => one!.language === tag)
        const texts = Object.fromEntries(found.map(([code, one]) => [code, one!.text])) as Record<C, string>
        return { language: exact ? tag : primaryOf(tag), texts }
      }
      return { language: 'en', texts: en }
    }
  }
}
