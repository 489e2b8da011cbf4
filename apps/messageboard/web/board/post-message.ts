/** How many code points the board takes. */
export const contentLimit = 4000

/** How sending ended. */
export type PostResult = { readonly ok: true } | { readonly ok: false; readonly status: number; readonly message: string }

/** Sends a message to the board. */
export async function postMessage(content: string): Promise<PostResult> {
  let response: Response
  try {
    response = await fetch('/lwsgs/msg', {
      method: 'POST',
      headers: { accept: 'application/json', 'content-type': 'application/json' },
      body: JSON.stringify({ msg: content }),
      signal: AbortSignal.timeout(30_000)
    })
  } catch {
    return { ok: false, status: 0, message: 'The board could not be reached. Your text is still here; please try again.' }
  }
  if (response.ok) return { ok: true }
  const refusal: unknown = await response.json().catch(() => null)
  const { message } = Object(refusal) as { message?: unknown }
  const sentence = typeof message === 'string' && message !== '' ? message : `The board gave an unexpected answer (${response.status}).`
  return { ok: false, status: response.status, message: sentence }
}

/** Length as the board counts it: an emoji outside the basic plane is one, not two. */
export function countCodePoints(text: string): number {
  return text.length - (text.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0)
}
