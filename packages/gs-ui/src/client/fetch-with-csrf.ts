import { createFetchWithToken } from './fetch-with-token.ts'
import type { SessionClient } from './session-client.ts'

/**
 * `fetch` with the CSRF token of the session in the header `x-csrf-token`, for addresses of this site; others get no token. When the server
 * refuses with 401, or with 403 and the code `GS_CSRF`, the session is asked for once more, and if it has another token by then the request is
 * sent once more (a body that is a stream cannot be). Rejects as `fetch` does.
 */
export type FetchWithCsrf = (path: string, init?: RequestInit) => Promise<Response>

export function createFetchWithCsrf(
  { getSnapshot, refresh }: Pick<SessionClient, 'getSnapshot' | 'refresh'>,
  fetch?: (path: string, init: RequestInit) => Promise<Response>
): FetchWithCsrf {
  return createFetchWithToken(
    {
      header: 'x-csrf-token',
      code: 'GS_CSRF',
      current: () => ({ token: getSnapshot().session?.csrfToken }),
      isUnknown: () => getSnapshot().session === null,
      refresh
    },
    fetch
  )
}
