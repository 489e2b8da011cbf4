import { isUtf8 } from 'node:buffer'
import { parse, type ParsedUrlQuery } from 'node:querystring'
import { gsError } from '../../errors.ts'

/**
 * The fields of an urlencoded body; a repeated one is a list.
 *
 * @param maxFields more are ignored; 0: as many as there are
 * @throws {GsError} `GS_BODY_INVALID`: it is not UTF-8, or a percent code is none
 */
export function parseFormBody(body: Buffer, maxFields: number): ParsedUrlQuery {
  let damaged = !isUtf8(body)
  const decode = (text: string) => {
    try {
      return decodeURIComponent(text)
    } catch {
      damaged = true
      return ''
    }
  }
  const fields = parse(body.toString(), '&', '=', { maxKeys: maxFields, decodeURIComponent: decode })
  if (damaged) throw gsError('GS_BODY_INVALID', { reason: 'it is not UTF-8.' })
  return fields
}
