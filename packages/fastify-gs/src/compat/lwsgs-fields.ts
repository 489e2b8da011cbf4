import { isUtf8 } from 'node:buffer'
import { parse as parseForm } from 'node:querystring'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Type, type Static } from 'typebox'
import { gsError } from '../errors.ts'
import { bodyLimit } from '../flows/shared/scope.ts'

// Lengths only bound the work, as in api.ts. A target that is too long is no fault of the visitor: it is replaced by the default.
const name = Type.Optional(Type.String({ maxLength: 320 }))
const password = Type.Optional(Type.String({ maxLength: 4096 }))
const button = Type.Optional(Type.String({ description: 'a button: what it says does not matter' }))
const target = Type.Optional(Type.String({ description: 'where to go on, relative to the form; only this site' }))

/** The eighteen fields of the original's forms; `next` and `token` are those of our own pages. Other fields are ignored. */
export const LwsgsFields = Type.Object({
  username: name,
  password,
  password2: password,
  email: name,
  register: button,
  good: target,
  bad: target,
  'reg-good': target,
  'reg-bad': target,
  admin: target,
  forgot: button,
  'forgot-good': target,
  'forgot-bad': target,
  'forgot-post-good': target,
  'forgot-post-bad': target,
  change: button,
  curpw: password,
  delete: button,
  next: target,
  token: Type.Optional(Type.String({ maxLength: 256 }))
})
export type LwsgsFields = Static<typeof LwsgsFields>
export type FieldName = keyof LwsgsFields

const known: ReadonlySet<string> = new Set(Object.keys(LwsgsFields.properties))

const unreadable = (reason: string) => gsError('GS_BODY_INVALID', { reason })

/** Of a repeated field the first counts, and an empty one as missing. */
function pickFields(pairs: Iterable<readonly [name: string, value: string]>): LwsgsFields {
  const fields = new Map<string, string>()
  for (const [name, value] of pairs) if (known.has(name) && !fields.has(name)) fields.set(name, value)
  return Object.fromEntries([...fields].filter(([, value]) => value !== ''))
}

function* urlencodedPairs(body: Buffer): Generator<readonly [string, string]> {
  const decode = (text: string) => {
    try {
      return decodeURIComponent(text)
    } catch {
      throw unreadable('it is not UTF-8.')
    }
  }
  // The length of the body is the limit: fields that nobody knows must not push others out.
  const parsed = parseForm(body.toString(), '&', '=', { maxKeys: 0, decodeURIComponent: decode })
  for (const [name, value] of Object.entries(parsed)) yield [name, (Array.isArray(value) ? value[0] : value) ?? '']
}

async function multipartPairs(body: Buffer, contentType: string): Promise<(readonly [string, string])[]> {
  // The parser of Node itself (that of `fetch`): the body is bounded and there already, nothing has to be streamed.
  const form = await new Response(new Uint8Array(body), { headers: { 'content-type': contentType } }).formData().catch(() => {
    throw unreadable('it cannot be read.')
  })
  return [...form].map(([name, value]) => {
    if (typeof value !== 'string') throw unreadable('files are not taken here.')
    return [name, value] as const
  })
}

/** Bodies of forms, urlencoded or multipart, and no others. */
export function takeForms(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'buffer', bodyLimit },
    async (_request: FastifyRequest, body: Buffer) => {
      if (!isUtf8(body)) throw unreadable('it is not UTF-8.')
      return pickFields(urlencodedPairs(body))
    }
  )
  app.addContentTypeParser('multipart/form-data', { parseAs: 'buffer', bodyLimit }, async (request: FastifyRequest, body: Buffer) => {
    const pairs = await multipartPairs(body, request.headers['content-type']!)
    if (!isUtf8(body)) throw unreadable('it is not UTF-8.')
    return pickFields(pairs)
  })
}
