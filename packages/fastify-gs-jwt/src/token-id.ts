import { randomBytes } from 'node:crypto'

/*
 * A `jti` is 18 bytes in base64url: the time of issue (6 bytes, ms since 1970, big endian) and 12 random ones. The claim `iat` has whole
 * seconds (RFC 7519 would allow more, but not every library takes it); with those alone, whoever logs in again in the second in which all
 * former tokens of him were denied would be denied, too.
 */
const timeBytes = 6
const randomLength = 12
const pattern = /^[\w-]{24}$/

/** @param issuedAt ms since 1970 */
export function createTokenId(issuedAt: number): string {
  const id = Buffer.allocUnsafe(timeBytes + randomLength)
  id.writeUIntBE(issuedAt, 0, timeBytes)
  randomBytes(randomLength).copy(id, timeBytes)
  return id.toString('base64url')
}

/** When a token was issued, ms since 1970: as exactly as its id says, else to the second. */
export function issuedAt({ jti, iat }: { readonly jti?: string; readonly iat: number }): number {
  const second = iat * 1000
  if (jti === undefined || !pattern.test(jti)) return second
  const time = Buffer.from(jti, 'base64url').readUIntBE(0, timeBytes)
  // An id of somebody else's making may look like ours.
  return time >= second && time < second + 1000 ? time : second
}
