import { readReply } from './api-errors.ts'
import type { SessionClient } from './session-client.ts'

/**
 * `fetch` with the CSRF token of the session in the header `x-csrf-token`. When the server refuses with 401, or with 403 and the code
 * `GS_CSRF`, the session is asked for once more, and if it has another token by then the request is sent once more. Rejects as `fetch` does.
 */
export type FetchWithCsrf = (path: string, init?: RequestInit) => Promise<Response>

export function createFetchWithCsrf(
  { getSnapshot, refresh }: SessionClient,
  fetch: (path: string, init: RequestInit) => Promise<Response> = (path, init) => globalThis.fetch(path, init)
): FetchWithCsrf {
  const tokenNow = () => getSnapshot().session?.csrfToken
  return async (path, init = {}) => {
    if (getSnapshot().session === null) await refresh()
    const token = tokenNow()
    const send = (csrf: string | undefined) => {
      const headers = new Headers(init.headers)
      if (csrf !== undefined) headers.set('x-csrf-token', csrf)
      return fetch(path, { ...init, headers })
    }
    const response = await send(token)
    if (response.status !== 401 && !(await isCsrfRefusal(response))) return response
    await refresh()
    const renewed = tokenNow()
    // A body that can be read only once went with the first attempt.
    return renewed === token || init.body instanceof ReadableStream ? response : send(renewed)
  }
}

async function isCsrfRefusal(response: Response): Promise<boolean> {
  if (response.status !== 403) return false
  const result = await readReply(response.clone())
  return !result.ok && result.error.code === 'GS_CSRF'
}
