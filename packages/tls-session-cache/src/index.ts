export { SavedSessionError, TlsCacheOptionError, type SavedSessionFault } from './errors.ts'
export type { TlsSessionCacheOptions } from './options.ts'
export { TlsSessionCache, type PreparedConnection, type TlsSessionStats } from './session-cache.ts'
