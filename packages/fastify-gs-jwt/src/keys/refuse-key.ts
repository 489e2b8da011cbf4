import { JwtKeyError } from '../errors.ts'

/** @param message one sentence or more; it may begin with the name of a key, in lower case. Never with anything of its secret. */
export function refuseKey(message: string): never {
  throw new JwtKeyError(`${message.charAt(0).toUpperCase()}${message.slice(1)}`)
}
