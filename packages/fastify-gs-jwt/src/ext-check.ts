import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { JwtOptionError } from './errors.ts'

/** What the claim `ext` may be. */
export interface ExtOptions {
  /**
   * A JSON schema (draft 7) that it must fit, in new tokens and in those that come. One that does not allow `{}` and has `required` makes
   * the claim itself required. Default: any object.
   */
  readonly schema?: object
  /** Bytes of its JSON at most. Default: 2048. */
  readonly maxBytes?: number
}

function compile(schema: object): ValidateFunction {
  try {
    return new Ajv({ strict: true, allErrors: false }).compile(schema)
  } catch (error) {
    throw new JwtOptionError(`fastify-gs-jwt: the option ext.schema is no JSON schema: ${(error as Error).message}.`, { cause: error })
  }
}

const sentence = ({ instancePath, message }: ErrorObject) => `ext${instancePath.replaceAll('/', '.')} ${message ?? 'is wrong'}`

/**
 * Says what is wrong with an `ext`; null: nothing. One that is left out is judged like `{}`.
 *
 * @throws {JwtOptionError}
 */
export function createExtCheck(options: ExtOptions = {}): (ext: unknown) => string | null {
  const { schema, maxBytes = 2048 } = options
  if (!Number.isSafeInteger(maxBytes) || maxBytes < 2 || maxBytes > 65_536)
    throw new JwtOptionError('fastify-gs-jwt: the option ext.maxBytes must be a whole number of bytes from 2 to 65536.')
  if (schema !== undefined && (typeof schema !== 'object' || schema === null))
    throw new JwtOptionError('fastify-gs-jwt: the option ext.schema must be a JSON schema, like { type: "object", properties: { … } }.')
  const validate = schema === undefined ? null : compile(schema)
  return (ext = {}) => {
    if (typeof ext !== 'object' || ext === null || Array.isArray(ext)) return 'ext must be an object.'
    const bytes = Buffer.byteLength(JSON.stringify(ext))
    if (bytes > maxBytes) return `ext has ${bytes} bytes of JSON, and ${maxBytes} is the limit (the option ext.maxBytes).`
    if (validate === null || validate(ext)) return null
    return `${sentence(validate.errors![0]!)}.`
  }
}
