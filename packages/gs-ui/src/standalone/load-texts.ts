import type { Translation } from '../texts/translation.ts'
import { loadPart } from './load-part.ts'

const load = (language: string) => () => loadPart<{ readonly texts: Translation }>(language)

/** Stands in for react/lazy/load-texts.ts. */
export const loadTexts = { de: load('de'), es: load('es'), fr: load('fr'), ja: load('ja'), ar: load('ar') }
