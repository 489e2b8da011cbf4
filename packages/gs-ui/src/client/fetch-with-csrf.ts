import { readReply } from './api-errors.ts'
import type { SessionClient } from './session-client.ts'

/**
 * `fetch` with the CSRF token of the session in the header `x-csrf-token`, for addresses of this site; others get no token. When the server
 * refuses with 401, or with 403 and the code `GS_CSRF`, the session is asked for once more, and if it has another token by then the request is
 * sent once more (a body that is a stream cannot be). Rejects as `fetch` does.
 */
export type FetchWithCsrf = (path: string, init?: RequestInit) => Promise<Response>

export function createFetchWithCsrf(
  { getSnapshot, refresh }: Pick<SessionClient, 'getSnapshot' | 'refresh'>,
  fetch: (path: string, init: RequestInit) => Promise<Response> = (path, init) => globalThis.fetch(path, init)
): FetchWithCsrf {
  let asked: Promise<unknown> | undefined
  const tokenNow = () => getSnapshot().session?.csrfToken

  /** Several requests at once need one answer. */
  function renew(): Promise<unknown> {
    asked ??= refresh().finally(() => {
      asked = undefined
    })
    return asked
  }

  return async (path, init = {}) => {
    if (!isOfThisSite(path)) return fetch(path, init)
    if (getSnapshot().session === null) await renew()
    const token = tokenNow()
    const send = (csrf: string | undefined) => {
      const headers = new Headers(init.headers)
      if (csrf !== undefined) headers.set('x-csrf-token', csrf)
      return fetch(path, { ...init, headers })
    }
    const response = await send(token)
    if (response.status !== 401 && !(await isCsrfRefusal(response))) return response
    // Another request may have renewed it meanwhile.
    if (tokenNow() === token) await renew()
    const renewed = tokenNow()
    if (renewed === token || init.body instanceof ReadableStream) return response
    await response.body?.cancel()
    return send(renewed)
  }
}

function isOfThisSite(path: string): boolean {
  const page = typeof location === 'undefined' ? 'http://here.invalid' : location.href
  return URL.canParse(path, page) && new URL(path, page).origin === new URL(page).origin
}

async function isCsrfRefusal(response: Response): Promise<boolean> {
  if (response.status !== 403) return false
  const result = await readReply(response.clone()).catch(() => null)
  return result?.ok === false && result.error.code === 'GS_CSRF'
}
