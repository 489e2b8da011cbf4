import { StrictMode, useEffect, useState, type ReactNode } from 'react'
import {
  GsAccountPanel,
  GsAdminPanel,
  GsBadge,
  GsChangeEmailPanel,
  GsChangePasswordPanel,
  GsDeleteAccountPanel,
  GsForgotPasswordPanel,
  GsLogin,
  GsLoginCodePanel,
  GsLoginPanel,
  GsProvider,
  GsRegisterPanel,
  GsSessionsPanel,
  useGs,
  useGsEvent,
  type SessionInfo
} from 'gs-ui'
import { texts as de } from 'gs-ui/texts/de'

const panels = {
  login: GsLoginPanel,
  'login-code': GsLoginCodePanel,
  register: GsRegisterPanel,
  'forgot-password': GsForgotPasswordPanel,
  badge: GsBadge,
  account: GsAccountPanel,
  'change-password': GsChangePasswordPanel,
  'change-email': GsChangeEmailPanel,
  sessions: GsSessionsPanel,
  'delete-account': GsDeleteAccountPanel,
  admin: GsAdminPanel
}

interface PageProps {
  /** The query of the address: `panel` (one panel alone), `also` (another one below it), `german` (texts that are imported), `links` (the page takes the links of the panel), `guest`, `gravatar`, `code` (the login with one), `events` (of other devices). */
  readonly query: URLSearchParams
  /** What the server knows. */
  readonly session: SessionInfo | undefined
}

export function Page({ query, session }: PageProps): ReactNode {
  return (
    <StrictMode>
      <GsProvider {...(session && { session })} {...(query.has('german') && { language: 'de', texts: de })}>
        <Shown query={query} />
        <Who />
        {query.has('events') && <Events />}
      </GsProvider>
    </StrictMode>
  )
}

function Shown({ query }: Pick<PageProps, 'query'>): ReactNode {
  const [said, setSaid] = useState<readonly string[]>([])
  const add = (text: string) => setSaid((before) => [...before, text])
  const Panel = panels[query.get('panel') as keyof typeof panels]
  const Also = panels[query.get('also') as keyof typeof panels]
  return (
    <>
      {Panel === undefined ? (
        <GsLogin gravatar={query.has('gravatar')} loginCode={query.has('code')} />
      ) : (
        <Panel
          onDone={() => add('done')}
          {...(query.has('links') && { onBack: () => add('back'), onOpen: (panel) => add(panel) })}
          {...(query.has('guest') && { guest: <a href="/login">Log in first</a> })}
        />
      )}
      {Also !== undefined && <Also />}
      <p id="said">{said.join(' ')}</p>
    </>
  )
}

function Who(): ReactNode {
  const { session } = useGs()
  // What a server has rendered does nothing before that.
  useEffect(() => {
    document.documentElement.dataset['alive'] = ''
  }, [])
  return <p id="who">{session?.username ?? 'nobody'}</p>
}

function Events(): ReactNode {
  const { session } = useGs()
  const [heard, setHeard] = useState<readonly string[]>([])
  // Another function each time, which knows who is there.
  useGsEvent('login', (event) => setHeard((before) => [...before, `${event.type} of ${session?.username}`]))
  useGsEvent('logout', (event) => setHeard((before) => [...before, `${event.type} of ${session?.username}: ${event.cause}`]))
  useGsEvent('ended', (event) => setHeard((before) => [...before, `${event.type}: ${event.cause}, ${session?.username ?? 'nobody'}`]))
  return <p id="heard">{heard.join(', ')}</p>
}
