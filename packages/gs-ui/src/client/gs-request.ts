import { networkFailure, readReply, timeoutFailure, type GsResult } from './api-errors.ts'

/** How requests are made. */
export interface GsRequestOptions {
  readonly prefix: string
  readonly fetch: (path: string, init: RequestInit) => Promise<Response>
  /** How long to wait for an answer, in ms. */
  readonly timeout: number
}

/** Sends one request below the prefix and reads the JSON of its answer; with a body it is a POST, unless `method` says otherwise. Never throws. */
export type GsRequest = (
  path: string,
  options?: { readonly method?: 'DELETE'; readonly body?: object; readonly signal?: AbortSignal }
) => Promise<GsResult<unknown>>

/** Makes the function that sends requests. */
export function createGsRequest({ prefix, fetch, timeout }: GsRequestOptions): GsRequest {
  return async (path, { method, body, signal } = {}) => {
    const deadline = AbortSignal.timeout(timeout)
    const init: RequestInit = {
      ...(method && { method }),
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
      headers: { accept: 'application/json', ...(body && { 'content-type': 'application/json' }) },
      signal: signal ? AbortSignal.any([deadline, signal]) : deadline,
      // fastify-gs answers JSON with JSON. A redirect comes from something in between, which must not get the password.
      redirect: 'manual',
      cache: 'no-store',
      credentials: 'same-origin'
    }
    try {
      return await readReply(await fetch(prefix + path, init))
    } catch {
      return { ok: false, error: deadline.aborted ? timeoutFailure() : networkFailure() }
    }
  }
}
