import { isUtf8 } from 'node:buffer'
import { STATUS_CODES } from 'node:http'
import rateLimit from '@fastify/rate-limit'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { gsError, isGsError, type GsError, type GsErrorCode } from '../../errors.ts'
import { findRefusedForm, formField, join, rememberForm, sentenceOf, type FormPages } from '../../forms-page.ts'
import { html } from '../../html.ts'
import { sendPage, wantsPage } from '../../page.ts'
import { isSameOrigin, isUnsafe } from '../../sessions/same-origin.ts'
import type { Visit } from '../../sessions/visit.ts'
import { isForm } from './answer.ts'
import type { FlowServices } from './flow.ts'
import { parseFormBody } from './form-body.ts'

/** Nothing that the flows take is near this; it bounds parsing. */
export const bodyLimit = 16_384

interface SchemaError {
  readonly keyword: string
  readonly instancePath: string
  readonly params: { readonly requiredProperties?: readonly string[]; readonly additionalProperties?: readonly string[] }
}

/** A sentence about the first fault. It never repeats a value: that may be a password in the wrong field (LG-03). */
function explainFault(errors: readonly SchemaError[], kind: 'body' | 'querystring'): GsError {
  const code: GsErrorCode = kind === 'body' ? 'GS_BODY_INVALID' : 'GS_QUERY_INVALID'
  const unknown = errors.find((error) => error.keyword === 'additionalProperties')
  if (unknown !== undefined) {
    const name = unknown.params.additionalProperties?.[0] ?? ''
    return gsError(
      code,
      /^[\w-]{1,40}$/.test(name) ? { field: name, reason: `${name} is not known here.` } : { reason: 'a field is not known here.' }
    )
  }
  const [error] = errors
  const missing = error?.keyword === 'required' ? error.params.requiredProperties?.[0] : undefined
  if (missing !== undefined) return gsError(code, { field: missing, reason: `${missing} is missing.` })
  const field = error?.instancePath.slice(1) ?? ''
  if (field === '') return gsError(code, { reason: 'an object with fields is expected.' })
  const faults: Record<string, string> = { type: 'has the wrong type', minLength: 'is empty', maxLength: 'is too long' }
  return gsError(code, { field, reason: `${field} ${faults[error!.keyword] ?? 'is not valid'}.` })
}

const wellFormed = (value: unknown) => typeof value !== 'string' || value.isWellFormed()

/** Faults that Fastify finds itself, in our terms. */
const frameworkCodes: Record<string, GsErrorCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'GS_BODY_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'GS_CONTENT_TYPE',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'GS_BODY_INVALID',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'GS_BODY_INVALID',
  FST_ERR_CTP_INVALID_JSON_BODY: 'GS_BODY_INVALID',
  FST_ERR_NOT_FOUND: 'GS_NOT_FOUND'
}

function toGsError(error: FastifyError, isUnavailable: (error: unknown) => boolean): GsError {
  if (isGsError(error)) return error
  if (isUnavailable(error)) return gsError('GS_BUSY', { retryAfter: 2 })
  const code = frameworkCodes[error.code]
  if (code === 'GS_BODY_INVALID' || (error instanceof SyntaxError && error.statusCode === 400))
    return gsError('GS_BODY_INVALID', { reason: 'it cannot be read.' })
  if (code !== undefined) return gsError(code)
  const status = error.statusCode ?? 500
  return status >= 400 && status < 500 ? gsError('GS_BODY_INVALID', { reason: 'it cannot be read.' }) : gsError('GS_INTERNAL')
}

/** Which refusals are pages for people instead of JSON, and what these pages are. */
export interface ErrorPages {
  readonly wanted: (request: FastifyRequest) => boolean
  /** On pages with nothing but the reason. */
  readonly links: (request: FastifyRequest) => readonly { readonly href: string; readonly text: string }[]
  /** Forms whose page is shown again instead. */
  readonly forms: FormPages
}

/** One shape of error for programs, a page with the reason for people. */
export function answerErrors(app: FastifyInstance, services: FlowServices, pages: ErrorPages): void {
  const { prefix, siteName } = services.options
  const sendReason = (request: FastifyRequest, reply: FastifyReply, error: GsError) =>
    sendPage(reply, error.statusCode, prefix, siteName, {
      title: 'That did not work',
      content: html`<p role="alert">${sentenceOf(error)}</p>
        ${join(pages.links(request).map(({ href, text }) => html`<p><a href="${href}">${text}</a></p> `))}`
    })
  app.setErrorHandler(async (thrown: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
    const error = toGsError(thrown, services.database.isUnavailable)
    if (error.statusCode >= 500 && !isGsError(thrown)) request.log.error({ err: thrown }, 'a flow failed')
    if (error.retryAfter !== undefined) reply.header('retry-after', String(error.retryAfter))
    if (pages.wanted(request)) {
      const refused = findRefusedForm(pages.forms, request, error)
      if (refused === null) return sendReason(request, reply, error)
      try {
        return await refused.show(request, reply, refused.refusal)
      } catch (failed) {
        // What the page shows besides may come from a database that is out of reach: that is often why the form was refused.
        if (!isGsError(failed) && !services.database.isUnavailable(failed)) request.log.error({ err: failed }, 'the page of a form failed')
        return sendReason(request, reply, error)
      }
    }
    // Not known when the session could not be looked up.
    const visit = request.gs as Visit | null
    const said = services.messages.ofError(error, visit === null ? null : visit.client.language)
    if (said.language !== null) reply.header('content-language', said.language)
    reply.code(error.statusCode)
    return {
      statusCode: error.statusCode,
      code: error.code,
      error: STATUS_CODES[error.statusCode] ?? 'Error',
      message: said.text,
      ...(error.field !== undefined && { field: error.field })
    }
  })
}

/**
 * What all flows share: strict bodies in JSON or form encoding, strict validation without conversion of types, refusal of other sites,
 * limits per address, answers that nobody stores, and one shape of error.
 */
export async function prepareScope(app: FastifyInstance, services: FlowServices): Promise<void> {
  const { options } = services
  const { loginPage, origin } = options

  answerErrors(app, services, {
    wanted: (request) => isForm(request) || wantsPage(request.method, request.headers),
    links: () => [{ href: loginPage, text: 'Back to the start page' }],
    forms: services.formPages
  })

  app.addHook('onRequest', (request, reply, done) => {
    reply.headers({
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; sandbox; frame-ancestors 'none'",
      'cross-origin-resource-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer'
    })
    if (!isUnsafe(request.method) || isSameOrigin(request.headers, origin)) return done()
    request.log.info({ gs: 'cross-site', ip: request.ip, path: request.url.split('?', 1)[0] }, 'refused a request from another site')
    done(gsError('GS_CROSS_SITE'))
  })

  if (options.rateLimits !== null && !app.hasDecorator('rateLimit')) await app.register(rateLimit, { global: false })

  app.removeAllContentTypeParsers()
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('application/json', { parseAs: 'buffer', bodyLimit }, (request, body: Buffer, done) => {
    if (body.length === 0) return done(null, {})
    if (!isUtf8(body)) return done(gsError('GS_BODY_INVALID', { reason: 'it is not UTF-8.' }))
    void parseJson(request, body.toString(), done)
  })
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'buffer', bodyLimit },
    async (request: FastifyRequest, body: Buffer) => {
      const { [formField]: form, ...fields } = parseFormBody(body, 50) as Record<string, unknown>
      rememberForm(request, form, fields)
      // A checked box arrives as a text.
      if (typeof fields['remember'] === 'string') fields['remember'] = ['on', 'true', '1'].includes(fields['remember'])
      return fields
    }
  )

  app.addHook('preValidation', (request, _reply, done) => {
    request.body ??= {}
    const values = [...Object.entries(request.body as object), ...Object.entries(request.query as object)]
    const damaged = values.find(([, value]) => !wellFormed(value))
    done(
      damaged === undefined
        ? undefined
        : gsError('GS_BODY_INVALID', { field: damaged[0], reason: `${damaged[0]} contains damaged characters.` })
    )
  })

  app.setValidatorCompiler<TSchema>(({ schema, httpPart }) => {
    const compiled = Compile(schema)
    return (value) => {
      if (compiled.Check(value)) return { value }
      return {
        error: explainFault(compiled.Errors(value) as unknown as SchemaError[], httpPart === 'querystring' ? 'querystring' : 'body')
      }
    }
  })
}
