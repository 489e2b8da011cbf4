'use client'

import { useEffect, useMemo, useState, useSyncExternalStore, type ReactNode } from 'react'
import type { GsClient } from '../client/gs-client.ts'
import type { SessionClient } from '../client/session-client.ts'
import type { SessionInfo } from '../client/session-info.ts'
import { languageOf, type Language, type Translation } from '../texts/translation.ts'
import { GsContext } from './gs-context.ts'
import { createDefaultClient } from './lazy/create-default-client.ts'
import { loadTexts } from './lazy/load-texts.ts'
import { TextsContext } from './texts-context.ts'
import { useWhenEnded } from './use-when-ended.ts'

/** Props of `<GsProvider/>`. */
export interface GsProviderProps {
  /** The prefix under which fastify-gs is registered (default: `/lwsgs`). Read once. */
  readonly prefix?: string
  /** What a server that renders the page already knows about the session; without it the browser asks. Read once. */
  readonly session?: SessionInfo
  /** A client of your own instead: to share one between several React roots, or with code outside React. */
  readonly client?: GsClient
  /** `auto`: that of the page (`<html lang>`), if the widget speaks it, else English (default: `auto`). */
  readonly language?: Language | 'auto'
  /** Texts of your own, by name, in place of those of the language; with all of them, any language. */
  readonly texts?: Partial<Translation>
  /**
   * What happens when the session ends without a logout in this tab: `stay` shows the login, `reload` loads the page again, a path of this
   * site (`/goodbye`, may be the login page of the server) is gone to, with this page as `?next=` (default: `stay`).
   */
  readonly whenEnded?: 'stay' | 'reload' | `/${string}`
  readonly children?: ReactNode
}

const noTexts: Partial<Translation> = {}

/** Gives everything inside it one session: `<GsLogin/>` and `useGs()` need it around them. */
export function GsProvider(props: GsProviderProps): ReactNode {
  const { prefix, session, client: given, language = 'auto', texts = noTexts, whenEnded = 'stay', children } = props
  const [own] = useState<SessionClient>(
    () => given ?? createDefaultClient({ ...(prefix !== undefined && { prefix }), ...(session && { session }) })
  )
  const client = given ?? own
  const spoken = useLanguage(language)
  const loaded = useTranslation(spoken)
  const context = useMemo(
    () => ({ language: spoken, translation: loaded === null ? null : { ...loaded, ...texts } }),
    [spoken, loaded, texts]
  )
  useWhenEnded(client, whenEnded)
  return (
    <GsContext.Provider value={client}>
      <TextsContext.Provider value={context}>{children}</TextsContext.Provider>
    </GsContext.Provider>
  )
}

const pageLanguage = () => languageOf(document.documentElement.lang)
const english = () => 'en' as const
const never = () => () => undefined

function useLanguage(language: Language | 'auto'): Language {
  // A server does not see the page; the browser corrects what it rendered.
  const found = useSyncExternalStore(never, pageLanguage, english)
  return language === 'auto' ? found : language
}

/** Null: on its way. A language that cannot be loaded is English. */
function useTranslation(language: Language): Partial<Translation> | null {
  const [loaded, setLoaded] = useState<{ readonly language: Language; readonly texts: Partial<Translation> } | null>(null)
  useEffect(() => {
    if (language === 'en') return undefined
    let current = true
    const put = (texts: Partial<Translation>) => current && setLoaded({ language, texts })
    loadTexts[language]().then(
      (module) => put(module.texts),
      () => put(noTexts)
    )
    return () => {
      current = false
    }
  }, [language])
  if (language === 'en') return noTexts
  return loaded?.language === language ? loaded.texts : null
}
