import type { Language, Translation } from '../texts/translation.ts'
import { loadPart } from './load-part.ts'

/** Stands in for react/lazy/load-texts.ts. */
export const loadTexts = (language: Exclude<Language, 'en'>) => loadPart<{ readonly texts: Translation }>(language)
