import { timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'

/** The header in which scripts bring the claim `csrf` along. */
const csrfHeader = 'x-jwt-csrf'
/** The field of forms, JSON bodies and queries. */
const csrfField = 'csrf'

/** Whether a request was made by a page of its bearer. */
export type CsrfVerdict = 'right' | 'wrong' | 'absent'

/** In constant time for all texts of the right length; the length is no secret. */
export function isSameCsrf(given: unknown, claim: string): boolean {
  if (typeof given !== 'string') return false
  const bytes = Buffer.from(given)
  const wanted = Buffer.from(claim)
  return bytes.length === wanted.length && timingSafeEqual(bytes, wanted)
}

/** Takes the field out of an object that belongs to the application. */
function takeField(from: unknown): { readonly value: unknown } | null {
  if (typeof from !== 'object' || from === null || !Object.hasOwn(from, csrfField)) return null
  const fields = from as Record<string, unknown>
  const value = fields[csrfField]
  delete fields[csrfField]
  // Parsers of multipart forms make objects of fields.
  return { value: typeof value === 'object' && value !== null && 'value' in value ? value.value : value }
}

function judge(claim: string, given: readonly ({ readonly value: unknown } | null)[]): CsrfVerdict {
  const present = given.filter((one) => one !== null)
  if (present.length === 0) return 'absent'
  return present.every(({ value }) => isSameCsrf(value, claim)) ? 'right' : 'wrong'
}

/** What header and query say. */
export function csrfBeforeBody({ headers, query }: FastifyRequest, claim: string): CsrfVerdict {
  const inHeader = headers[csrfHeader]
  return judge(claim, [inHeader === undefined ? null : { value: inHeader }, takeField(query)])
}

/** What the body says. */
export function csrfOfBody({ body }: FastifyRequest, claim: string): CsrfVerdict {
  return judge(claim, [takeField(body)])
}

/** A hidden field for forms. The claim is hexadecimal: nothing has to be escaped. */
export const csrfInput = (claim: string): string => `<input type="hidden" name="${csrfField}" value="${claim}">`

/**
 * The address of a link with the claim in its query. Only for addresses of this site: the claim is a secret of the bearer and his pages.
 *
 * @throws {TypeError} the address leads elsewhere, or is none
 */
export function csrfUrl(claim: string, path: string): string {
  const here = 'http://here.invalid'
  if (!path.startsWith('/') || !URL.canParse(path, here) || new URL(path, here).origin !== here)
    throw new TypeError('csrfUrl() takes a path of this site, like /messages/1/delete?really=yes.')
  const url = new URL(path, here)
  url.searchParams.set(csrfField, claim)
  return url.pathname + url.search + url.hash
}
