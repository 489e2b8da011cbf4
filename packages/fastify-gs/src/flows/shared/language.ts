import { gsError } from '../../errors.ts'
import { languageTag } from '../../texts/messages.ts'

/** The canonical form of a language tag. @throws {GsError} `GS_BODY_INVALID` with `field: 'language'` */
export function checkLanguage(typed: string): string {
  const language = languageTag(typed)
  if (language === null) throw gsError('GS_BODY_INVALID', { field: 'language', reason: 'language is not a tag like de or pt-BR.' })
  return language
}
