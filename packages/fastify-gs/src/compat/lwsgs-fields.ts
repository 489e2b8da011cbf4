import { isUtf8 } from 'node:buffer'
import type { IncomingHttpHeaders } from 'node:http'
import { Busboy, type BusboyHeaders } from '@fastify/busboy'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Type, type Static } from 'typebox'
import { gsError } from '../errors.ts'
import { parseFormBody } from '../flows/shared/form-body.ts'
import { bodyLimit } from '../flows/shared/scope.ts'
import { formField, rememberForm } from '../forms-page.ts'

// Lengths only bound the work, as in api.ts. A target that is too long is no fault of the visitor: it is replaced by the default.
const name = Type.Optional(Type.String({ maxLength: 320 }))
const password = Type.Optional(Type.String({ maxLength: 4096 }))
const button = Type.Optional(Type.String({ description: 'a button: what it says does not matter' }))
const target = Type.Optional(Type.String({ description: 'where to go on, relative to the form; only this site' }))

/** The eighteen fields of the original's forms; the last six are those of our own pages. Other fields are ignored. */
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
  remember: button,
  confirm: name,
  token: Type.Optional(Type.String({ maxLength: 256 })),
  code: Type.Optional(Type.String({ maxLength: 32 })),
  send: button
})
export type LwsgsFields = Static<typeof LwsgsFields>
export type FieldName = keyof LwsgsFields

const known: ReadonlySet<string> = new Set(Object.keys(LwsgsFields.properties))

const unreadable = (reason: string) => gsError('GS_BODY_INVALID', { reason })

/** Of a repeated field the first counts, and an empty one as missing. */
function pickFields(request: FastifyRequest, pairs: readonly (readonly [name: string, value: string])[]): LwsgsFields {
  const fields = new Map<string, string>()
  for (const [name, value] of pairs) if (known.has(name) && !fields.has(name)) fields.set(name, value)
  const given = Object.fromEntries([...fields].filter(([, value]) => value !== ''))
  rememberForm(request, pairs.find(([name]) => name === formField)?.[1], given)
  return given
}

function urlencodedPairs(body: Buffer): (readonly [string, string])[] {
  // The length of the body is the limit: fields that nobody knows must not push others out.
  return Object.entries(parseFormBody(body, 0)).map(([name, value]) => [name, [value].flat()[0] ?? ''])
}

function multipartPairs(body: Buffer, headers: IncomingHttpHeaders): Promise<(readonly [string, string])[]> {
  if (!isUtf8(body)) return Promise.reject(unreadable('it is not UTF-8.'))
  return new Promise((resolve, reject) => {
    const pairs: (readonly [string, string])[] = []
    const damaged = () => reject(unreadable('it cannot be read.'))
    try {
      const parser = new Busboy({ headers: headers as BusboyHeaders })
      parser.on('field', (name, value) => void pairs.push([name, value]))
      parser.on('file', (_name, file) => {
        reject(unreadable('files are not taken here.'))
        // What comes of a broken file does not matter any more, but an error that nobody hears would end the process.
        file.on('error', () => undefined).resume()
      })
      parser.on('error', damaged)
      parser.on('finish', () => resolve(pairs))
      parser.end(body)
    } catch {
      // No boundary.
      damaged()
    }
  })
}

/** Bodies of forms, urlencoded or multipart, and no others. */
export function takeForms(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  const urlencoded = async (request: FastifyRequest, body: Buffer) => pickFields(request, urlencodedPairs(body))
  const multipart = async (request: FastifyRequest, body: Buffer) => pickFields(request, await multipartPairs(body, request.headers))
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'buffer', bodyLimit }, urlencoded)
  app.addContentTypeParser('multipart/form-data', { parseAs: 'buffer', bodyLimit }, multipart)
}
