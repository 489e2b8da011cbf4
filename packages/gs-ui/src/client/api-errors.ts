/** Why a call did not succeed. */
export interface GsFailure {
  /** The server's code (`GS_CREDENTIALS` …), or `GS_NETWORK` (no answer) or `GS_BAD_REPLY` (an answer that is not fastify-gs). */
  readonly code: string
  /** A sentence for people. */
  readonly message: string
  /** The form field it is about. */
  readonly field?: string
  /** HTTP status, when there was an answer. */
  readonly status?: number
  /** Seconds after which a new attempt makes sense. */
  readonly retryAfter?: number
}

/** How a call ended. Refusals happen every day, so they are values and not exceptions. */
export type GsResult<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: GsFailure }

/** Lists of two hundred entries have less; whatever is longer than this comes from something else and is not read to its end. */
const replyLimit = 262_144

/** Reads a reply of at most 256 KiB; the value is `undefined` when it is not JSON. Rejects when the reply breaks off. */
export async function readReply(response: Response): Promise<GsResult<unknown>> {
  const body = await readJson(response)
  return response.ok ? { ok: true, value: body } : { ok: false, error: failureOf(response, body) }
}

/** The request got no answer: offline, server down, or cut off half way. */
export function networkFailure(): GsFailure {
  return { code: 'GS_NETWORK', message: 'The server could not be reached. Check your connection and try again.' }
}

/** The server took longer than the client waits. */
export function timeoutFailure(): GsFailure {
  return { code: 'GS_NETWORK', message: 'The server did not answer in time. Please try again.' }
}

/** There was an answer, but not one that fastify-gs gives. */
export function badReplyFailure(status: number): GsFailure {
  return { code: 'GS_BAD_REPLY', message: `The server gave an unexpected answer (${status}). Please try again later.`, status }
}

function failureOf(response: Response, body: unknown): GsFailure {
  const { status } = response
  if (typeof body !== 'object' || body === null) return badReplyFailure(status)
  const { code, message, field } = body as Record<string, unknown>
  const known = typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,63}$/.test(code)
  // Without one of our codes, a 5xx sentence is about the inside of some server and helps nobody.
  if (typeof message !== 'string' || message === '' || (!known && status >= 500)) return badReplyFailure(status)
  const retryAfter = retryAfterOf(response)
  return {
    code: known ? code : 'GS_BAD_REPLY',
    message: message.slice(0, 500),
    status,
    ...(typeof field === 'string' && /^\w{1,64}$/.test(field) && { field }),
    ...(retryAfter !== null && { retryAfter })
  }
}

function retryAfterOf(response: Response): number | null {
  const header = response.headers.get('retry-after') ?? ''
  return /^[1-9]\d{0,4}$/.test(header) ? Number(header) : null
}

async function readJson(response: Response): Promise<unknown> {
  const { body } = response
  if (body === null) return undefined
  if (!/^application\/(?:[\w.+-]+\+)?json\b/i.test(response.headers.get('content-type') ?? '')) {
    await body.cancel()
    return undefined
  }
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let size = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    size += value.byteLength
    if (size > replyLimit) {
      await reader.cancel()
      return undefined
    }
    text += decoder.decode(value, { stream: true })
  }
  try {
    return JSON.parse(text + decoder.decode())
  } catch {
    return undefined
  }
}
