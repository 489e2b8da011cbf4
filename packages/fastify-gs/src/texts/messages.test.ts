import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { gsError } from '../errors.ts'
import { createMessages, languageTag, translations } from './messages.ts'

const ours = createMessages({ language: 'en', languages: ['en', 'de', 'es', 'fr', 'ja', 'ar'], messages: {} })
const own = createMessages({
  language: 'de-AT',
  languages: ['en', 'de', 'es', 'fr', 'ja', 'ar', 'pt'],
  messages: {
    de: { greeting: 'Hallo {name}' },
    'de-AT': { GS_CREDENTIALS: 'Das passt nicht zusammen.' },
    en: { farewell: 'Bye' },
    PT: { greeting: 'Olá' }
  }
})

const placesOf = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!).sort()
const english = Object.entries(translations['en']!)

describe('translations', () => {
  for (const [language, texts] of Object.entries(translations)) {
    const broken = (isBroken: (text: string, code: string) => boolean) =>
      Object.entries(texts).filter(([code, text]) => isBroken(text, code))

    it(`has every text in "${language}", with the same places for values`, () => {
      for (const [code, text] of english) {
        const translated: string | undefined = (texts as Record<string, string>)[code]
        assert.ok(translated !== undefined && translated !== '', code)
        assert.deepEqual(placesOf(translated), placesOf(text), code)
        assert.equal(translated.split('\n').length, text.split('\n').length, code)
      }
      assert.deepEqual(Object.keys(texts).sort(), english.map(([code]) => code).sort())
    })

    it(`has whole sentences in "${language}", and no blank at the edge of one`, () => {
      assert.deepEqual(
        broken((text) => text !== text.trim() || /%s| {2}/.test(text)),
        []
      )
      assert.deepEqual(
        broken((text, code) => code.startsWith('GS_') && !/[.。}]$/.test(text)),
        []
      )
    })
  }

  it('is another text than the English one in each language, where that is a sentence', () => {
    for (const language of ['de', 'es', 'fr', 'ja', 'ar']) {
      const same = english.filter(
        ([code, text]) => text !== '{reason}' && (translations[language] as Record<string, string>)[code] === text
      )
      assert.deepEqual(same, [], language)
    }
  })

  it('keeps French signs and their words together', () => {
    for (const text of Object.values(translations['fr']!)) assert.doesNotMatch(text, / [:;?!»]|« |[^\s\u{202f}][?!;](?!\/)|\w:(?!\/)/u)
  })
})

describe('the message table', () => {
  it('looks in the full language, in the primary one, in the default one, in English, and gives the code at last', () => {
    for (const [code, language, text] of [
      ['GS_CREDENTIALS', 'fr', 'Le nom d’utilisateur ou le mot de passe est incorrect.'],
      ['GS_CREDENTIALS', 'fr-CA', 'Le nom d’utilisateur ou le mot de passe est incorrect.'],
      ['GS_CREDENTIALS', 'FR_ca', 'Das passt nicht zusammen.'],
      ['GS_CREDENTIALS', 'de-AT', 'Das passt nicht zusammen.'],
      ['GS_CREDENTIALS', 'DE-at', 'Das passt nicht zusammen.'],
      ['GS_CREDENTIALS', 'de', 'Der Benutzername oder das Passwort ist falsch.'],
      ['GS_CREDENTIALS', 'pt', 'Das passt nicht zusammen.'],
      ['GS_CREDENTIALS', undefined, 'Das passt nicht zusammen.'],
      ['greeting', 'pt-BR', 'Olá'],
      ['greeting', 'sv', 'Hallo {name}'],
      ['farewell', 'sv', 'Bye'],
      ['nothing of this name', 'de', 'nothing of this name'],
      ['__proto__', 'constructor', '__proto__']
    ] as const)
      assert.equal(own.message(code, language), text, `${code} ${language}`)
  })

  it('puts values in their places once, and leaves a place without value as it is', () => {
    assert.equal(own.message('greeting', 'de', { name: '{name} $& 7' }), 'Hallo {name} $& 7')
    assert.equal(own.message('greeting', 'de', { other: 1 }), 'Hallo {name}')
    assert.equal(
      ours.message('reason.password.short', 'en', { count: 15 }),
      'Use at least 15 characters; several words make a good password.'
    )
  })

  it('never throws, whatever the language is', () => {
    for (const language of ['', '-', 'x'.repeat(5000), 'de\0', '../de', '*', null])
      assert.equal(ours.message('GS_NOT_FOUND', language), 'There is nothing here.')
  })

  it('speaks our languages and those of the application, the default one first', () => {
    assert.deepEqual(ours.languages, ['en', 'de', 'es', 'fr', 'ja', 'ar'])
    assert.deepEqual(own.languages, ['de-AT', 'en', 'de', 'es', 'fr', 'ja', 'ar', 'pt'])
  })

  it('tells refusals with their details, in one language where there is the detail in it', () => {
    for (const [error, language, text, told] of [
      [gsError('GS_CREDENTIALS'), 'es-MX', 'El nombre de usuario o la contraseña no son correctos.', 'es'],
      [
        gsError('GS_PASSWORD_WEAK', { reasonCode: 'reason.password.short', values: { count: 15 } }),
        'de',
        'Nehmen Sie mindestens 15 Zeichen; mehrere Wörter ergeben ein gutes Passwort.',
        'de'
      ],
      [gsError('GS_USERNAME_INVALID', { reasonCode: 'reason.username.length' }), 'ja', 'ユーザー名は2～32文字です。', 'ja'],
      [
        gsError('GS_BODY_INVALID', { reason: 'email is missing.' }),
        'de',
        'Der Server hat diese Eingaben nicht verstanden: email is missing.',
        'de'
      ],
      [gsError('GS_BODY_INVALID', { reason: 'email is missing.' }), null, 'The request body is not valid: email is missing.', 'en'],
      [gsError('GS_LOGIN_REFUSED', { reason: 'Nur sonntags.' }), 'fr', 'Nur sonntags.', null]
    ] as const)
      assert.deepEqual(ours.ofError(error, language), { text, language: told })
  })

  it('says in English what the error itself says', () => {
    for (const error of [
      gsError('GS_CREDENTIALS'),
      gsError('GS_PASSWORD_WEAK', { reasonCode: 'reason.password.common' }),
      gsError('GS_QUERY_INVALID', { reason: 'x is missing.' })
    ])
      assert.equal(ours.ofError(error, 'en').text, error.message)
  })
})

describe('languageTag', () => {
  it('gives the canonical form of a tag without extensions, and null for anything else', () => {
    for (const [text, tag] of [
      ['DE', 'de'],
      ['pt-br', 'pt-BR'],
      ['zh-hant-tw', 'zh-Hant-TW'],
      ['ar-u-nu-latn', 'ar'],
      ['iw', 'he'],
      ['', null],
      ['d', null],
      ['de_DE', null],
      ['de;q=1', null],
      ['x'.repeat(36), null]
    ] as const)
      assert.equal(languageTag(text), tag, text)
  })
})
