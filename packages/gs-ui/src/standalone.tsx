import { createRoot } from 'react-dom/client'
import { createGsClient, type GsClient } from './client/gs-client.ts'
import type { SessionInfo } from './client/session-info.ts'
import css from './gs-ui.css?inline'
import { GsLogin } from './react/GsLogin.tsx'
import { GsProvider } from './react/GsProvider.tsx'

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
  const stated = script?.dataset['prefix'] ?? valueOf('prefix')
  if (stated !== '') return stated
  if (script === null) return '/lwsgs'
  const { origin, pathname } = new URL('.', script.src)
  // From another host the script says nothing about where this one has its accounts.
  return origin === location.origin ? pathname.replace(/\/$/, '') : '/lwsgs'
}

let client: GsClient | undefined

function tell({ username, mask, email }: SessionInfo): void {
  window.lwsgs_user = username ?? ''
  window.lwsgs_auth = String(mask)
  window.lwsgs_email = email ?? ''
}

/** A style sheet made by script is allowed by every Content-Security-Policy that allows this script. */
function addStyle(): void {
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(css)
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet]
}

window.lwsgs_user = valueOf('user')
window.lwsgs_auth = valueOf('auth') || '0'
window.lwsgs_email = valueOf('email')
window.lwsgs_initial = () => {
  const place = document.getElementById('lwsgs')
  if (place === null || client !== undefined) return
  const own = createGsClient({ prefix: findPrefix() })
  client = own
  own.subscribe(() => {
    const state = own.getSnapshot()
    if (state.status === 'ready') tell(state.session)
  })
  addStyle()
  createRoot(place).render(
    <GsProvider client={own}>
      <GsLogin theme={place.dataset['theme'] === 'dark' ? 'dark' : place.dataset['theme'] === 'light' ? 'light' : 'auto'} />
    </GsProvider>
  )
}

if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', () => window.lwsgs_initial())
else window.lwsgs_initial()
