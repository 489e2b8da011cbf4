import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { GsErrorCode } from 'fastify-gs/api'
import { account } from './account.ts'
import { admin } from './admin.ts'
import { texts as ar } from './ar.ts'
import { core } from './core.ts'
import { texts as de } from './de.ts'
import { endings } from './endings.ts'
import { texts as es } from './es.ts'
import { fill } from './fill.ts'
import { texts as fr } from './fr.ts'
import { guest } from './guest.ts'
import { texts as ja } from './ja.ts'
import { strength } from './strength.ts'
import { languageOf, languages, type ErrorCode, type TextKey, type Translation } from './translation.ts'

type Equals<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false

/** The application says these in words of its own. */
type OwnWords = 'GS_SESSION_REFUSED' | 'GS_LOGIN_REFUSED'

const everyCodeHasText: Equals<ErrorCode, Exclude<GsErrorCode, OwnWords> | 'GS_NETWORK' | 'GS_BAD_REPLY'> = true

const { back, ...withoutBack } = de
// @ts-expect-error a text is missing
const missing: Translation = withoutBack
// @ts-expect-error there is no such text
const unknown: Translation = { ...withoutBack, back, bakc: back }

const english: Readonly<Record<string, string>> = { ...core, ...endings, ...guest, ...account, ...admin, ...strength }
const translations = { de, es, fr, ja, ar }

/** What is the same word in the other language, or no word. */
const sameAsEnglish: Readonly<Record<keyof typeof translations, readonly TextKey[]>> = {
  de: ['direction', 'badge.admin', 'admin.mark.admin', 'admin.list', 'admin.level.named', 'admin.audit.change'],
  es: ['direction', 'badge.admin', 'admin.mark.admin', 'admin.list', 'admin.level.named', 'admin.audit.change', 'admin.no'],
  fr: [
    'direction',
    'administration',
    'badge.admin',
    'sessions.title',
    'admin.title',
    'admin.sessions',
    'admin.list',
    'admin.mark.admin',
    'admin.level.named',
    'admin.audit.change',
    'admin.audit.source'
  ],
  ja: ['direction', 'admin.audit.change'],
  ar: []
}

const placeholders = (text: string) => (text.match(/\{\w+\}/g) ?? []).toSorted()

/** What stands in a text because no language has another word for it. */
const foreign = /Caps Lock|name@example\.com|\babc\b|\{\w+\}|@ (?:بدل )?a\b|aを@/g

for (const [language, texts] of Object.entries(translations) as [keyof typeof translations, Translation][]) {
  const entries = Object.entries(texts) as [TextKey, string][]
  const broken = (isBroken: (text: string, key: TextKey) => boolean) => entries.filter(([key, text]) => isBroken(text, key))

  describe(`the texts in ${language}`, () => {
    test('are all there, and no others', () => {
      const keys = Object.keys(texts).filter((key) => !key.startsWith('error.'))
      assert.deepEqual(keys.toSorted(), Object.keys(english).toSorted())
    })
    test('are neither empty nor padded', () => {
      assert.deepEqual(
        broken((text) => text.trim() === '' || text !== text.trim() || /[ \u00a0]{2}|\n/.test(text)),
        []
      )
    })
    test('have the braces of the English ones', () => {
      assert.deepEqual(
        broken((text, key) => key in english && String(placeholders(text)) !== String(placeholders(english[key]!))),
        []
      )
      assert.deepEqual(
        broken((text, key) => key.startsWith('error.') && /[{}%]/.test(text)),
        []
      )
    })
    test('are translated', () => {
      const same = entries.filter(([key, text]) => text === english[key]).map(([key]) => key)
      assert.deepEqual(same.toSorted(), sameAsEnglish[language].toSorted())
    })
    test('are in Unicode normal form, and leave the direction to the page', () => {
      assert.deepEqual(
        broken((text) => text !== text.normalize('NFC') || /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/.test(text)),
        []
      )
    })
    test('end as sentences where the English ones do', () => {
      const ends = /[.?!。？！؟）]$/u
      assert.deepEqual(
        broken((text, key) => key in english && /[.?]$/.test(english[key]!) && !ends.test(text)),
        []
      )
      assert.deepEqual(
        broken((text, key) => key.startsWith('error.') && !ends.test(text)),
        []
      )
    })
  })

  for (const what of ['open', 'sockets'] as const)
    test(`a single one of what a session has open (${what}) and many of them read differently from each other in ${language}`, () => {
      assert.notEqual(texts[`sessions.${what}.one`], fill(texts[`sessions.${what}.many`], { count: 2 }))
      assert.deepEqual(placeholders(texts[`sessions.${what}.one`]), [])
    })
}

/** In which language something would be wrong, and what. */
const wrong: readonly (readonly [language: keyof typeof translations, name: string, pattern: RegExp])[] = [
  ['de', 'quotes that are not German', /["“].*["”]|'(?!\.|$)/],
  ['de', 'the familiar form', /\b(?:du|dein|deine|deinen|dir|dich)\b/i],
  ['es', 'a question or exclamation that is not opened', /^[^¿]*\?|^[^¡]*!/],
  ['es', 'the formal form', /\b(?:usted|ustedes|vosotros|vuestr[oa]s?)\b/i],
  ['fr', 'an ordinary or missing space before a double sign', /[^\u00a0]:(?!\/\/)|[^\u202f][;?!]/],
  ['fr', 'an ordinary space inside quotes', /«[^\u00a0]|[^\u00a0]»|"/],
  ['fr', 'a typewriter apostrophe', /\p{L}'\p{L}/u],
  ['fr', 'the familiar form', /(?<!\p{L})(?:tu|ton|ta|tes|toi)(?!\p{L})/iu],
  [
    'ja',
    'half-width punctuation',
    /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}}][.,:;?!]|[,:;?!(][\p{Script=Han}\p{Script=Hiragana}]/u
  ],
  [
    'ja',
    'a space between words',
    /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}] [\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u
  ],
  ['ja', 'a question without a full-width mark', /か。?$/],
  ['ar', 'Latin punctuation', /[\p{Script=Arabic}][,;?]|[,;?] ?[\p{Script=Arabic}]/u]
]

describe('typography', () => {
  for (const [language, name, pattern] of wrong) {
    test(`has in ${language} nowhere ${name}`, () => {
      assert.deepEqual(
        Object.entries(translations[language]).filter(([, text]) => pattern.test(text)),
        []
      )
    })
  }
  for (const language of ['ja', 'ar'] as const) {
    test(`has in ${language} no Latin words that a reader would not expect`, () => {
      const latin = Object.entries(translations[language]).filter(
        ([key, text]) => key !== 'direction' && /\p{Script=Latin}/u.test(text.replace(foreign, ''))
      )
      assert.deepEqual(latin, [])
    })
  }
})

test('only Arabic is written from right to left', () => {
  const directions = Object.entries(translations).map(([language, { direction }]) => [language, direction])
  assert.deepEqual(directions, [
    ['de', 'ltr'],
    ['es', 'ltr'],
    ['fr', 'ltr'],
    ['ja', 'ltr'],
    ['ar', 'rtl']
  ])
  assert.deepEqual(['en', ...Object.keys(translations)], languages)
})

test('a translation with a missing or an unknown text, or without the text of an error, is a type error', () => {
  assert.equal(everyCodeHasText, true)
  assert.equal('back' in missing, false)
  assert.equal('bakc' in unknown, true)
})

describe('languageOf', () => {
  const cases: readonly (readonly [tag: string, language: string])[] = [
    ['de', 'de'],
    ['de-AT', 'de'],
    ['DE_at', 'de'],
    ['zh-Hant', 'en'],
    ['ar-EG', 'ar'],
    ['es-419', 'es'],
    ['den', 'en'],
    ['', 'en']
  ]
  for (const [tag, language] of cases) test(`takes ${language} for "${tag}"`, () => assert.equal(languageOf(tag), language))
})

describe('fill', () => {
  test('fills in names and numbers, and leaves a name that it is not given', () => {
    assert.equal(fill('{a} and {b}, {a} and {c}', { a: 'Ann', b: 0 }), 'Ann and 0, Ann and {c}')
  })
  test('does not fill in what a value says in braces or as a replacement pattern', () => {
    assert.equal(fill('{a} {b}', { a: '{b}', b: '$&' }), '{b} $&')
  })
  test('isolates a value that is written in the other direction than its text, and no other', () => {
    assert.equal(fill('حذف {username}.', { username: 'alice_' }), 'حذف \u2068alice_\u2069.')
    assert.equal(fill('Delete {username}.', { username: 'ليلى' }), 'Delete \u2068ليلى\u2069.')
    assert.equal(fill('Löschen: {username}.', { username: 'alice_' }), 'Löschen: alice_.')
    assert.equal(fill('حذف {username} {other}.', { username: 'ليلى' }), 'حذف ليلى {other}.')
  })
})
