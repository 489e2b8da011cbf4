export { fastifyGsJwt, fastifyGsJwt as default, type JwtCookieApi } from './plugin.ts'
export type { DenyRequest } from './deny.ts'
export * from './app-types.ts'
export { loadKeys } from './keys/load-keys.ts'
export { remoteKeys, type FetchKeys, type RemoteKeysOptions } from './keys/remote-keys.ts'
export type { KeyRules, KeySource } from './keys/key-source.ts'
export { generateJwk, type GenerateJwkOptions } from './keys/generate-jwk.ts'
export { jwsAlgorithms, type JwsAlgorithm } from './keys/algorithms.ts'
export type { KeyRing, SigningKey, VerifyKey } from './keys/key-ring.ts'
export { signJws, signJwt, type SignedJwt, type TokenContent } from './sign.ts'
export { verifyJws, verifyJwt, type JwsFault, type JwsResult, type JwtRefusal, type VerifiedJwt, type VerifyResult } from './verify.ts'
export type { JwsHeader } from './compact.ts'
export type { Ext, JwtClaims, RequiredClaim, SessionClaims } from './claims.ts'
export type { Denial, DeniableToken, Denylist } from './denylist/denylist.ts'
export { databaseDenylist, type DatabaseDenylistOptions } from './denylist/database-denylist.ts'
export { memoryDenylist, type MemoryDenylistOptions } from './denylist/memory-denylist.ts'
export {
  JwtDenylistError,
  JwtKeyError,
  JwtOptionError,
  JwtSignError,
  JwtUnavailableError,
  type JwtError,
  type JwtErrorCode,
  type JwtSignFault
} from './errors.ts'
export type { ExtOptions } from './ext-check.ts'
export type { RequestJwt } from './load-jwt.ts'
export type { WebSocketLike } from './live/guarded-socket.ts'
export type { JwtEndReason } from './live/live-jwts.ts'
export type { ProlongRefusal, ProlongResult } from './live/prolong.ts'
export type { FromSessionOptions, SessionExt } from './session-token.ts'
export type { RequireJwt, RequireJwtOptions } from './require-jwt.ts'
export type { JwtSessionInfo } from './jwt-routes.ts'
export type { GsJwtOptions, SignOptions, VerifyOptions } from './options.ts'
