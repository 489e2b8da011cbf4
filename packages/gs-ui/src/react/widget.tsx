'use client'

import { useContext, useEffect, useMemo, useRef, useState, useSyncExternalStore, type ReactNode } from 'react'
import { keepSeen, lastSeen } from '../client/last-seen.ts'
import type { Member, SessionInfo } from '../client/session-info.ts'
import { core } from '../texts/core.ts'
import { LoginForm } from './forms/login-form.tsx'
import { loadAccount } from './lazy/load-account.ts'
import { loadAdmin } from './lazy/load-admin.ts'
import { loadGuest } from './lazy/load-guest.ts'
import { loaded } from './lazy/loaded.ts'
import { Part } from './lazy/part.tsx'
import { endNoticeOf, isFarewell, nextNotice, sentenceOf, type Notice, type NoticeKey, type NoticeTexts } from './notices.ts'
import { canForgetPassword, panelFor, type ChosenPanel } from './panels/panel-for.ts'
import type { PanelProps } from './panels/panel-props.ts'
import { Unreachable } from './panels/unreachable.tsx'
import { DraftsContext, type Drafts } from './parts/drafts.ts'
import { TextsContext } from './texts-context.ts'
import { useFocusOnChange } from './use-focus-on-change.ts'
import { useSession } from './use-gs.ts'
import { usePageNotice } from './use-page-notice.ts'
import { useText } from './use-text.tsx'

/** What all panels can be told. */
export interface WidgetLooks {
  /** Stands below the field of a new password. Say here what your server demands (default: a general advice). */
  readonly passwordHint?: string
  /** `auto` follows the visitor's system (default: `auto`). */
  readonly theme?: 'auto' | 'light' | 'dark'
  /** Whether the picture that somebody has at gravatar.com stands in the badge. That service then learns who visits the page (default: false). */
  readonly gravatar?: boolean
  /** Whether the login leads to the one with a code by mail. The server needs its option `loginCodes` for that (default: false). */
  readonly loginCode?: boolean
}

/** Where somebody was when his session ended. */
interface Place {
  readonly username: string
  readonly panel: ChosenPanel | null
}

export interface WidgetProps extends WidgetLooks {
  /** The panel to begin with and to come back to; null: the one that fits by itself. */
  readonly home?: ChosenPanel | null
  /** There is nothing behind that panel, so it has no way back. */
  readonly alone?: boolean
  /** Another value begins the panel anew. */
  readonly round?: string | number
  /** Told what shall be shown, and what is said about it; says what is shown. */
  readonly onShow?: (next: ChosenPanel | null, notice: NoticeKey | null) => ChosenPanel | null
}

const never = () => () => undefined

/** One panel at a time, in a card. */
export function Widget(props: WidgetProps): ReactNode {
  const { passwordHint, theme = 'auto', gravatar = false, loginCode = false, home = null, alone, round = '', onShow } = props
  const gs = useSession()
  const account = loaded.get(loadAccount) as Awaited<ReturnType<typeof loadAccount>> | undefined
  // What is said about the end of a session has come with what is for who is logged in.
  const texts = { ...core, ...account?.endings } as NoticeTexts
  const say = useText(texts)
  const { language, translation } = useContext(TextsContext)
  const { session } = gs
  const username = session?.username ?? null
  const [chosen, setChosen] = useState(home)
  const [chosenBy, setChosenBy] = useState(username)
  const [left, setLeft] = useState<Place | null>(null)
  const [notice, setNotice] = useState<Notice | null>(null)
  const [typed, setTyped] = useState('')
  const [, draw] = useState<unknown>()
  const [drafts, setDrafts] = useState<Drafts>(() => new Map())
  const root = useRef<HTMLElement>(null)
  const tell = useMemo(() => (key: NoticeKey | null) => setNotice((before) => nextNotice(before, key)), [])
  const hint = passwordHint ?? say('password.hint')

  // A choice ends with the one who made it: the next person at this browser starts at the beginning, and finds nothing that was typed.
  // Whose session was ended goes on where he was as soon as he is back.
  if (chosenBy !== username) {
    setChosenBy(username)
    const ended = gs.status === 'ready' ? gs.ended : undefined
    if (ended !== undefined && chosenBy !== null) {
      // A logout in another tab is one all the same.
      if (isFarewell(ended)) setDrafts(new Map())
      else setLeft({ username: chosenBy, panel: chosen })
      setChosen(null)
      tell(endNoticeOf(ended, texts))
    } else {
      const isBack = left !== null && left.username === username
      setChosen(isBack ? left.panel : home)
      if (username !== null) setLeft(null)
      if (!isBack && (chosenBy !== null || left !== null)) setDrafts(new Map())
    }
  }

  const state = translation === null ? ({ status: 'loading', session: null, error: null } as const) : gs
  const panel = panelFor(state, chosen)
  // From now on it stays: the end of the five minutes must not take away what somebody is typing.
  if (panel === 'new-password' && chosen !== panel) setChosen(panel)

  const seen = useSyncExternalStore(never, lastSeen, () => '')
  useEffect(() => {
    if (session) keepSeen(session.username === null ? '' : session.verified ? 'member' : 'unverified')
  }, [session])
  usePageNotice(tell)
  useFocusOnChange(panel + round, root)

  const tooLate = account !== undefined && panel === 'new-password' && session !== null && !canForgetPassword(session)
  const sentence = sentenceOf(tooLate ? nextNotice(null, 'toolate') : notice, username !== null, say)

  /** Shows a panel, or the one that fits by itself. */
  function show(next: ChosenPanel | null, key: NoticeKey | null = null): void {
    setChosen(onShow ? onShow(next, key) : next)
    tell(key)
  }

  const panelProps: PanelProps = { panel, passwordHint: hint, typed, setTyped, show, home, alone: alone && panel === home }

  function guestPanel(): ReactNode {
    if (panel !== 'login') {
      return (
        <Part load={loadGuest} plain={`${gs.client.prefix}/lwsgs-${plainPage.exec(panel)?.[0] ?? 'login'}`} onLoad={draw}>
          {({ GuestPanels }) => <GuestPanels {...panelProps} />}
        </Part>
      )
    }
    return (
      <LoginForm
        loginCode={loginCode}
        onLogin={() => tell(null)}
        onOpen={(next, name) => {
          setTyped(name)
          show(next)
        }}
      />
    )
  }

  function memberPanel(member: Member): ReactNode {
    if (panel === 'admin') {
      return (
        <Part load={loadAdmin} plain={`${gs.client.prefix}/lwsgs-admin`} onLoad={draw}>
          {({ AdminPanel }) => <AdminPanel session={member} onBack={panelProps.alone ? undefined : () => show('badge')} />}
        </Part>
      )
    }
    return (
      <Part load={loadAccount} plain={`${gs.client.prefix}/lwsgs-change`} onLoad={draw}>
        {({ AccountPanels }) => <AccountPanels {...panelProps} session={member} gravatar={gravatar} />}
      </Part>
    )
  }

  return (
    <section
      ref={root}
      className="gs-widget"
      lang={language}
      dir={say('direction')}
      data-theme={theme}
      data-panel={panel}
      data-state={panel === 'loading' || panel === 'failed' ? panel : username === null ? 'guest' : 'member'}
      data-seen={seen || (loginCode ? 'code' : '')}
      aria-label={say('widget')}
      aria-busy={panel === 'loading'}
    >
      <output className="gs-notice">{sentence}</output>
      <div className="gs-panel" key={round}>
        <DraftsContext.Provider value={drafts}>
          {state.status === 'loading' && <p className="gs-loading">{say('loading')}</p>}
          {state.status === 'failed' && <Unreachable error={state.error} />}
          {state.status === 'ready' && (isMember(state.session) ? memberPanel(state.session) : guestPanel())}
        </DraftsContext.Provider>
      </div>
    </section>
  )
}

/** The name of the page of the server that does without scripts what a panel does, if it cannot be loaded, in the name of the panel. */
const plainPage = /register|code|forgot/

function isMember(session: SessionInfo): session is Member {
  return session.username !== null
}
