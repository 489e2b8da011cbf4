import type { GsFailure, GsResult } from '../client/api-errors.ts'

/*
 * Stands in for client/api-errors.ts in gs-jwt.js, which shows no failure to anybody: codes without sentences.
 */

export const networkFailure = (): GsFailure => ({ code: 'GS_NETWORK', message: '' })
export const timeoutFailure = (): GsFailure => networkFailure()
export const badReplyFailure = (status: number): GsFailure => ({ code: 'GS_BAD_REPLY', message: '', status })

export async function readReply(response: Response): Promise<GsResult<unknown>> {
  const { ok, status } = response
  const value: unknown = await response.json()
  return ok ? { ok, value } : { ok, error: { ...badReplyFailure(status), ...(value as GsFailure) } }
}
