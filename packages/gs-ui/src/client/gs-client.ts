import { accountCalls, type AccountCalls } from './account-calls.ts'
import { createFetchWithCsrf, type FetchWithCsrf } from './fetch-with-csrf.ts'
import { guestCalls, type GuestCalls } from './guest-calls.ts'
import { createSessionClient, type GsClientOptions, type SessionClient } from './session-client.ts'

/**
 * Calls fastify-gs and keeps what it says about the session, for any framework or none.
 * No call but `fetch` throws: each resolves to `{ ok: true, value }` or `{ ok: false, error }`.
 */
export interface GsClient extends SessionClient, GuestCalls, AccountCalls {
  /** `fetch` for the application's own calls: sends the CSRF token of the session, and renews it once. */
  readonly fetch: FetchWithCsrf
}

/** Makes a client. Nothing happens before the first call or listener, so it may be made anywhere, also on a server. */
export function createGsClient(options: GsClientOptions = {}): GsClient {
  const session = createSessionClient({ ...options, prefix: checkedPrefix(options.prefix ?? '/lwsgs') })
  const client: SessionClient = {
    ...session,
    onEvent: (listener) => {
      const stop = session.onEvent(listener)
      // Nothing is heard for a client to which nobody listens.
      const leave = session.subscribe(() => undefined)
      return () => {
        stop()
        leave()
      }
    }
  }
  return { ...client, ...guestCalls(client), ...accountCalls(client), fetch: createFetchWithCsrf(client, options.fetch) }
}

function checkedPrefix(prefix: string): string {
  const path = prefix.replace(/\/+$/, '')
  if (path === '' || /^\/(?![/\\])[^?#\\]*$/.test(path)) return path
  throw new TypeError(`gs-ui: "prefix" must be a path of this site such as "/lwsgs", not "${prefix}".`)
}
