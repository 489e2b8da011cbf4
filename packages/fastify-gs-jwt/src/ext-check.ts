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

function refuse(message: string, options?: ErrorOptions): never {
  throw new JwtOptionError(`fastify-gs-jwt: the option ${message}`, options)
}

/** Of the same schema once: `verifyJwt` and `signJwt` take their options anew each time. */
const compiled = new WeakMap<object, ValidateFunction>()

function compile(schema: object): ValidateFunction {
  const known = compiled.get(schema)
  if (known !== undefined) return known
  let validate: ValidateFunction
  try {
    // `ownProperties`: a member that is required is not there because every object has a `constructor`.
    validate = new Ajv({ strict: true, allErrors: false, ownProperties: true }).compile(schema)
  } catch (error) {
    return refuse(`ext.schema is no JSON schema: ${(error as Error).message}.`, { cause: error })
  }
  // It would answer with a promise, and a promise is no refusal.
  if ('$async' in validate) refuse('ext.schema must not be asynchronous; leave $async out.')
  compiled.set(schema, validate)
  return validate
}

const sentence = ({ instancePath, message }: ErrorObject) => `ext${instancePath.replaceAll('/', '.')} ${message ?? 'is wrong'}`

/**
 * Says what is wrong with an `ext`; null: nothing. One that is left out is judged like `{}`.
 *
 * @throws {JwtOptionError}
 */
export function createExtCheck(options: ExtOptions = {}): (ext: unknown) => string | null {
  if (typeof options !== 'object' || options === null) refuse('ext must be an object like { schema: { … }, maxBytes: 1024 }.')
  const { schema, maxBytes = 2048, ...rest } = options
  const unknown = Object.keys(rest)[0]
  if (unknown !== undefined) refuse(`ext.${unknown} is not known; known are ext.schema, ext.maxBytes.`)
  if (!Number.isSafeInteger(maxBytes) || maxBytes < 2 || maxBytes > 65_536)
    refuse('ext.maxBytes must be a whole number of bytes from 2 to 65536.')
  if (schema !== undefined && (typeof schema !== 'object' || schema === null))
    refuse('ext.schema must be a JSON schema, like { type: "object", properties: { … } }.')
  const validate = schema === undefined ? null : compile(schema)
  return (ext = {}) => {
    if (typeof ext !== 'object' || ext === null || Array.isArray(ext)) return 'ext must be an object.'
    const bytes = Buffer.byteLength(JSON.stringify(ext))
    if (bytes > maxBytes) return `ext has ${bytes} bytes of JSON, and ${maxBytes} is the limit (the option ext.maxBytes).`
    if (validate === null || validate(ext)) return null
    return `${sentence(validate.errors![0]!)}.`
  }
}
