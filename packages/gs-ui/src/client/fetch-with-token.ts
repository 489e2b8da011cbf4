import { readReply } from './api-errors.ts'

/** What has to come along with requests, and how. */
export interface TokenSource {
  /** The header. */
  readonly header: string
  /** The code of a refusal with 403 that means that the token was not the right one. */
  readonly code: string
  /** The token, and whose; without token: nobody knows one. */
  readonly current: () => { readonly token?: string | undefined; readonly owner?: string | undefined }
  /** Whether it is worth asking for a token, because nobody has yet. */
  readonly isUnknown: () => boolean
  readonly refresh: () => Promise<unknown>
}

/** See `FetchWithCsrf` and `JwtClient.fetch`. */
export function createFetchWithToken(
  { header, code, current, isUnknown, refresh }: TokenSource,
  fetch: (path: string, init: RequestInit) => Promise<Response> = (path, init) => globalThis.fetch(path, init)
): (path: string, init?: RequestInit) => Promise<Response> {
  let asked: Promise<unknown> | undefined

  /** Several requests at once need one answer. */
  function renew(): Promise<unknown> {
    asked ??= refresh().finally(() => {
      asked = undefined
    })
    return asked
  }

  return async (path, init = {}) => {
    // Of a Request, which scripts may give it, the text is no address.
    if ((path as unknown) instanceof Request || !isOfThisSite(path)) return fetch(path, init)
    if (isUnknown()) await renew()
    const { token, owner } = current()
    const send = (value: string | undefined) => {
      const headers = new Headers(init.headers)
      if (value !== undefined) headers.set(header, value)
      return fetch(path, { ...init, headers })
    }
    const response = await send(token)
    if (response.status !== 401 && !(await isTokenRefusal(response, code))) return response
    // Another request may have renewed it meanwhile.
    if (current().token === token) await renew()
    const renewed = current()
    // What one person wanted is not done in the name of another one.
    if (renewed.token === token || renewed.owner !== owner || init.body instanceof ReadableStream) return response
    await response.body?.cancel()
    return send(renewed.token)
  }
}

/** As the browser reads it. */
function isOfThisSite(path: string): boolean {
  const page = (globalThis as { location?: Location }).location?.href ?? 'http://here.invalid'
  return URL.canParse(path, page) && new URL(path, page).origin === new URL(page).origin
}

async function isTokenRefusal(response: Response, code: string): Promise<boolean> {
  if (response.status !== 403) return false
  const result = await readReply(response.clone()).catch(() => null)
  return result?.ok === false && result.error.code === code
}
