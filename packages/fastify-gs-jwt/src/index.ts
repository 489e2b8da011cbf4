export { fastifyGsJwt, fastifyGsJwt as default, type DenyRequest, type JwtCookieApi } from './plugin.ts'
export * from './app-types.ts'
export { loadKeys, type KeySource } from './keys/load-keys.ts'
export { jwsAlgorithms, type JwsAlgorithm } from './keys/algorithms.ts'
export type { KeyRing, SigningKey, VerifyKey } from './keys/key-ring.ts'
export { signJws, signJwt, type SignedJwt, type TokenContent } from './sign.ts'
export { verifyJws, verifyJwt, type JwsFault, type JwsResult, type JwtRefusal, type VerifiedJwt, type VerifyResult } from './verify.ts'
export type { JwsHeader } from './compact.ts'
export type { Ext, JwtClaims, RequiredClaim, SessionClaims } from './claims.ts'
export type { Denial, DeniableToken, Denylist } from './denylist/denylist.ts'
export { memoryDenylist } from './denylist/memory-denylist.ts'
export {
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
export type { RequireJwt, RequireJwtOptions } from './require-jwt.ts'
export type { JwtSessionInfo } from './jwt-routes.ts'
export type { GsJwtOptions, SignOptions, VerifyOptions } from './options.ts'
