import type { Language, Translation } from '../../texts/translation.ts'

const loaders: Readonly<Record<Exclude<Language, 'en'>, () => Promise<{ readonly texts: Translation }>>> = {
  de: () => import('../../texts/de.ts'),
  es: () => import('../../texts/es.ts'),
  fr: () => import('../../texts/fr.ts'),
  ja: () => import('../../texts/ja.ts'),
  ar: () => import('../../texts/ar.ts')
}

/** Loads the texts of a language; English needs none. `lwsgs.js` has its own way, see standalone/. */
export const loadTexts = (language: Exclude<Language, 'en'>) => loaders[language]()
