import type { FastifyRequest } from 'fastify'
import type { KeyRing } from '../crypto/tokens.ts'
import { visitState } from '../sessions/visit.ts'

/** Whether a request has proved that it was made by a page of this session. */
export type CsrfVerdict = 'right' | 'wrong' | 'absent'

export interface CsrfCheck {
  readonly header: (request: FastifyRequest) => CsrfVerdict
  /** Takes the field out of the body, which belongs to the application. */
  readonly body: (request: FastifyRequest) => CsrfVerdict
}

/** The second is the name of older pages. */
const fields = ['csrfToken', 'csrft'] as const

/** Parsers of multipart forms make objects of fields. */
const textOf = (value: unknown): unknown => (typeof value === 'object' && value !== null && 'value' in value ? value.value : value)

export function createCsrfCheck(keys: KeyRing): CsrfCheck {
  const verdict = ({ gs }: FastifyRequest, token: unknown): CsrfVerdict => {
    // A session that begins with this very request has told its token to nobody.
    const right = typeof token === 'string' && !visitState(gs).fresh && keys.verify('csrf', gs.session.id, token)
    return right ? 'right' : 'wrong'
  }
  return {
    header(request) {
      const token = request.headers['x-csrf-token']
      return token === undefined ? 'absent' : verdict(request, token)
    },
    body(request) {
      const body = request.body as Record<string, unknown> | null | undefined
      if (typeof body !== 'object' || body === null) return 'absent'
      const field = fields.find((name) => Object.hasOwn(body, name))
      if (field === undefined) return 'absent'
      const token = textOf(body[field])
      delete body[field]
      return verdict(request, token)
    }
  }
}
