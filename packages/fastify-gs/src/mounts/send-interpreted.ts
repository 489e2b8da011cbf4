import type { FastifyReply, FastifyRequest } from 'fastify'
import { gsError } from '../errors.ts'
import type { TextKind } from './escapes.ts'
import { openInterpreted } from './interpreted-stream.ts'
import type { Symbols } from './symbols.ts'

/**
 * Whether a page of another site asks for the file as a part of itself, e.g. in `<script src>`: it would read what is said of the visitor
 * (ASVS 3.5.7). Opening it in a tab of its own is harmless. Browsers that do not send `Sec-Fetch-Site` still send a referrer, and no
 * cookie with such a request to another site.
 */
function isForeignInclusion({ headers }: FastifyRequest, origin: string): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined) {
    if (site === 'same-origin' || site === 'none') return false
    return !(headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document')
  }
  if (headers.origin !== undefined) return headers.origin.toLowerCase() !== origin
  if (headers.referer === undefined) return false
  return !headers.accept?.includes('text/html') && URL.parse(headers.referer)?.origin !== origin
}

export interface InterpretedFile {
  readonly path: string
  /** Bytes. */
  readonly length: number
  readonly kind: TextKind
  readonly contentType: string
}

/**
 * Sends a file with the symbols replaced, chunk by chunk. It belongs to one visitor: nobody stores it, and there is nothing by which a
 * copy could be taken for still valid or sent in parts.
 *
 * @throws {GsError} `GS_CROSS_SITE`, `GS_INTERNAL`
 */
export async function sendInterpreted(
  request: FastifyRequest,
  reply: FastifyReply,
  file: InterpretedFile,
  symbols: Symbols,
  origin: string
): Promise<FastifyReply> {
  reply.headers({ 'cache-control': 'private, no-store', 'cross-origin-resource-policy': 'same-origin' })
  if (isForeignInclusion(request, origin)) throw gsError('GS_CROSS_SITE')
  reply.headers({ 'content-type': file.contentType, 'x-content-type-options': 'nosniff' })
  // Hooks of the application may have set them for all answers.
  for (const name of ['etag', 'last-modified', 'accept-ranges']) reply.removeHeader(name)
  try {
    const values = symbols.valuesFor(request, file.kind.escape)
    if (request.method === 'HEAD') return reply.send()
    // What cannot be opened is answered by a status, not by a broken body.
    return reply.send(await openInterpreted(file.path, file.length, symbols.table, values))
  } catch (error) {
    // Its words are about the inside: paths of files, or whatever a symbol of the application says.
    request.log.error({ err: error, path: file.path }, 'a file could not be rewritten')
    throw gsError('GS_INTERNAL')
  }
}
