import { createJwtClient, type JwtClient, type JwtClientOptions } from '../client/jwt-client.ts'

/*
 * For pages of a site with fastify-gs-jwt that have no build: one script, made into dist/gs-jwt.js.
 * <script src="/gs-ui/gs-jwt.js" data-at-expiry="leave" defer></script>
 */

declare global {
  interface Window {
    /** The login of this page, for scripts of its own. */
    gsJwt: JwtClient
  }
}

// Read now: it is null as soon as this script has run.
const { prefix, atExpiry, home, renew, sub } = (document.currentScript as HTMLScriptElement | null)?.dataset ?? {}
// Whoever writes something else there is told so in the console.
const client = createJwtClient({ prefix, atExpiry, home, renew, sub } as JwtClientOptions)
window.gsJwt = client
client.protectLinks()

function show(): void {
  const state = client.getSnapshot()
  const isExpiring = state.status === 'member' && state.expiring
  for (const notice of document.querySelectorAll<HTMLElement>('[data-jwt-expiring]')) notice.hidden = !isExpiring
}

client.subscribe(show)
