import type { History } from '../../src/messages/protocol.ts'
import { parseHistory } from './frames.ts'

/** How a call ended. `status` 0: the board could not be reached. */
export type CallResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly status: number; readonly message: string }

/** What the page asks of the board over HTTP. */
export interface BoardCalls {
  /** Posts; the same `id` again does not post again. @returns the number of the post */
  readonly post: (id: string, content: string) => Promise<CallResult<number>>
  /** Deletes a post; one that is gone already counts as deleted. */
  readonly remove: (idx: number) => Promise<CallResult<true>>
  /** The posts before that one, or the last ones. */
  readonly findOlder: (before: number | undefined) => Promise<CallResult<History>>
}

/** Posts that are loaded at a time. */
const pageSize = 50

/** @param base where the board is (default: on the site of the page) */
export function createBoardCalls(base = '/lwsgs'): BoardCalls {
  const call = async <T>(method: string, path: string, read: (answer: unknown) => T | null, body?: object): Promise<CallResult<T>> => {
    let response: Response
    try {
      response = await fetch(base + path, {
        method,
        headers: { accept: 'application/json', ...(body && { 'content-type': 'application/json' }) },
        ...(body && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(30_000)
      })
    } catch {
      return { ok: false, status: 0, message: 'The board could not be reached.' }
    }
    const answer: unknown = await response.json().catch(() => null)
    if (response.ok) {
      const value = read(answer)
      if (value !== null) return { ok: true, value }
    }
    const { message } = Object(answer) as { message?: unknown }
    const sentence = typeof message === 'string' && message !== '' ? message : `The board gave an unexpected answer (${response.status}).`
    return { ok: false, status: response.status, message: sentence }
  }

  return {
    post: (id, content) => call('POST', '/msg', readIdx, { id, msg: content }),
    remove: async (idx) => {
      const result = await call('DELETE', `/messages/${idx}`, () => true as const)
      return result.ok || result.status !== 404 ? result : { ok: true, value: true }
    },
    findOlder: (before) => call('GET', `/messages?limit=${pageSize}${before === undefined ? '' : `&before=${before}`}`, parseHistory)
  }
}

function readIdx(answer: unknown): number | null {
  const idx = Number((Object(answer) as { idx?: unknown }).idx)
  return Number.isSafeInteger(idx) ? idx : null
}
