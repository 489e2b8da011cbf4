import { render, type ComponentChild } from 'preact'
import { createSessionClient, type SessionClient } from '../client/session-client.ts'
import { parseAddress } from '../client/next-path.ts'
import type { GsClient } from '../client/gs-client.ts'
import type { SessionInfo } from '../client/session-info.ts'
import base from '../css/base.css?inline'
import look from '../css/look.css?inline'
import { GsLogin } from '../react/GsLogin.tsx'
import { GsProvider } from '../react/GsProvider.tsx'
import { addStyle } from './add-style.ts'

export { react, jsxRuntime, toolkit } from './shared.ts'
export { loadPart } from './load-part.ts'

/*
 * The widget for pages that have no build: one script, made into dist/lwsgs.js. Pages of libwebsockets' generic-sessions use it
 * unchanged: <script src="lwsgs.js">, <div id="lwsgs">, lwsgs_initial().
 */

declare global {
  interface Window {
    /** Puts the widget into the element with the id `lwsgs`. The script calls it by itself; another call does nothing. */
    lwsgs_initial: () => void
    /** The user name, '' when nobody is logged in. Known at once when the server rewrites the script, else when it has answered. */
    lwsgs_user: string
    /** The auth mask, decimal. */
    lwsgs_auth: string
    /** The e-mail address, '' when nobody is logged in. */
    lwsgs_email: string
  }
}

/** A server that rewrites this file puts the values of its session here; from any other they come as they stand. */
const written = { user: '$lwsgs_user', auth: '$lwsgs_auth', email: '$lwsgs_email', prefix: '$lwsgs_prefix' }
const valueOf = (name: keyof typeof written) => (written[name].startsWith('$') ? '' : written[name])

// Read now: it is null as soon as this script has run.
const script = document.currentScript as HTMLScriptElement | null

function findPrefix(): string {
  const stated = script?.dataset['prefix'] || valueOf('prefix')
  const address = stated ? parseAddress(stated, location.href) : script && new URL('.', script.src)
  // From another host the script says nothing about where this one has its accounts; and nobody else gets passwords.
  return address?.origin === location.origin ? address.pathname.replace(/^\/+/, '/').replace(/\/+$/, '') : '/lwsgs'
}

const isPath = (value: string | undefined): value is `/${string}` => value?.startsWith('/') === true && !value.startsWith('//')

let client: SessionClient | undefined
let isStyled = true

/** Adds what is only for the eyes, unless the page has its own style for all. */
export function addLook(css: string): void {
  if (isStyled) addStyle(css)
}

function tell({ username, mask, email }: SessionInfo): void {
  window.lwsgs_user = username ?? ''
  window.lwsgs_auth = String(mask)
  window.lwsgs_email = email ?? ''
}

window.lwsgs_user = valueOf('user')
window.lwsgs_auth = valueOf('auth') || '0'
window.lwsgs_email = valueOf('email')
window.lwsgs_initial = () => {
  const place = document.getElementById('lwsgs')
  if (place === null || client !== undefined) return
  const own = createSessionClient({ prefix: findPrefix() })
  client = own
  own.subscribe(() => {
    const state = own.getSnapshot()
    if (state.status === 'ready') tell(state.session)
  })
  const { theme, language, passwordHint, whenEnded, gravatar, loginCode, unstyled } = place.dataset
  isStyled = unstyled === undefined
  addStyle(base)
  addLook(look)
  const widget = (
    <GsProvider
      // All that the widget needs of it; its parts bring their own calls.
      client={own as GsClient}
      language={language ?? 'auto'}
      whenEnded={whenEnded === 'reload' || isPath(whenEnded) ? whenEnded : 'stay'}
    >
      <GsLogin
        theme={theme === 'dark' || theme === 'light' ? theme : 'auto'}
        gravatar={gravatar !== undefined}
        loginCode={loginCode !== undefined}
        {...(passwordHint !== undefined && { passwordHint })}
      />
    </GsProvider>
  )
  place.replaceChildren()
  // The types are React's, what runs is Preact.
  render(widget as ComponentChild, place)
}

if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', () => window.lwsgs_initial())
else window.lwsgs_initial()
