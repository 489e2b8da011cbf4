'use client'

import { useEffect, useMemo, useState, useSyncExternalStore, type ReactNode } from 'react'
import type { GsClient } from '../client/gs-client.ts'
import type { SessionClient } from '../client/session-client.ts'
import type { SessionInfo } from '../client/session-info.ts'
import { languageOf, type Language, type Translation } from '../texts/translation.ts'
import { GsContext } from './gs-context.ts'
import { createDefaultClient } from './lazy/create-default-client.ts'
import { loadTexts } from './lazy/load-texts.ts'
import { useTimeZone } from './lazy/use-time-zone.ts'
import { TextsContext, type Texts } from './texts-context.ts'
import { useWhenEnded } from './use-when-ended.ts'

/** Props of `<GsProvider/>`. */
export interface GsProviderProps {
  /** The prefix under which fastify-gs is registered (default: `/lwsgs`). Read once. */
  readonly prefix?: string
  /** What a server that renders the page already knows about the session; without it the browser asks. Read once. */
  readonly session?: SessionInfo
  /** A client of your own instead: to share one between several React roots, or with code outside React. */
  readonly client?: GsClient
  /**
   * `auto`: that of the page (`<html lang>`), if the widget speaks it, else English (default: `auto`). Any other tag (`it`) needs all of `texts`.
   */
  readonly language?: Language | 'auto' | (string & {})
  /**
   * Texts of your own, by name, in place of those of the language. With the text `direction` they are taken for a whole language, and no other
   * one is loaded: so a page that is rendered by a server speaks it from the beginning (`gs-ui/texts/de` …), and so the widget learns new ones.
   */
  readonly texts?: Partial<Translation>
  /**
   * What happens when the session ends without a logout in this tab: `stay` shows the login, `reload` loads the page again, a path of this
   * site (`/goodbye`, may be the login page of the server) is gone to, with this page as `?next=` (default: `stay`).
   */
  readonly whenEnded?: 'stay' | 'reload' | `/${string}`
  /** Whether the server is told the time zone of the browser, which it keeps in a cookie for the application (default: true). */
  readonly timeZone?: boolean
  readonly children?: ReactNode
}

/** Gives everything inside it one session: `<GsLogin/>` and `useGs()` need it around them. */
export function GsProvider(props: GsProviderProps): ReactNode {
  const { client: given, language = 'auto', texts = noTexts, whenEnded = 'stay', timeZone = true, children } = props
  const [own] = useState<SessionClient>(() => given ?? createDefaultClient(props))
  const client = given ?? own
  const wanted = useLanguage(language)
  const whole = texts.direction !== undefined
  const loaded = useLoadedTexts(whole ? 'en' : languageOf(wanted))
  const context = useMemo(
    () => ({
      language: whole ? wanted : loaded.language,
      translation: loaded.translation && { ...loaded.translation, ...texts }
    }),
    [wanted, whole, loaded, texts]
  )
  useWhenEnded(client, whenEnded)
  useTimeZone(client, timeZone)
  return (
    <GsContext.Provider value={client}>
      <TextsContext.Provider value={context}>{children}</TextsContext.Provider>
    </GsContext.Provider>
  )
}

const pageLanguage = () => document.documentElement.lang
const noPage = () => ''

function watchPageLanguage(listener: () => void): () => void {
  const observer = new MutationObserver(listener)
  observer.observe(document.documentElement, { attributeFilter: ['lang'] })
  return () => observer.disconnect()
}

function useLanguage(language: string): string {
  // A server does not see the page; the browser corrects what it rendered.
  const found = useSyncExternalStore(watchPageLanguage, pageLanguage, noPage)
  return language === 'auto' ? found || 'en' : language
}

const noTexts: Partial<Translation> = {}
const english: Texts = { language: 'en', translation: noTexts }

/**
 * The texts of a language as soon as they are there; until then those of the language before, so that a change takes nobody's form away. A
 * language that cannot be loaded is English.
 */
function useLoadedTexts(language: Language): Texts {
  const [texts, setTexts] = useState<Texts>(() => (language === 'en' ? english : { language, translation: null }))
  useEffect(() => {
    let current = true
    const load = async () => (language === 'en' ? english : { language, translation: (await loadTexts(language)).texts })
    void load()
      .catch(() => english)
      .then((found) => current && setTexts(found))
    return () => {
      current = false
    }
  }, [language])
  return texts
}
