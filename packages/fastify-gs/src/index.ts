export { fastifyGs, fastifyGs as default, type Gs } from './plugin.ts'
export * from './app-types.ts'
export { lwsgsHashes } from './crypto/legacy-hashes.ts'
export { hashPassword, verifyPassword, type HashPasswordOptions } from './hash-password.ts'
export { gsForms, type GsFormsOptions } from './compat/gs-forms.ts'
export { gsMount, type GsMountOptions, type MountHandler } from './mounts/mount.ts'
export type { Policy } from './mounts/policy.ts'
export { AuthLevel, type AuthLevelName } from './accounts/auth-level.ts'
export { gsCloseCodes } from './api.ts'
export { AuthMask } from './accounts/auth-mask.ts'
export type { Account } from './accounts/accounts.ts'
export type { GsSettings } from './accounts/settings.ts'
export { GsOptionError, GsStartError, type GsError, type GsErrorCode } from './errors.ts'
export type {
  AccountEvent,
  AccountEventListener,
  AccountEventType,
  BeforeLoginEvent,
  DowngradeEvent,
  GsHooks,
  HookVerdict,
  LoginMethod,
  SessionEndCause,
  SessionEndEvent,
  SessionEndListener,
  SessionStartEvent,
  UpgradeEvent
} from './hooks.ts'
export type {
  CarryRule,
  GsLoginCodeOptions,
  GsLwsgsOptions,
  GsMailOptions,
  GsOptions,
  GsPasswordOptions,
  GsRateLimits,
  GsSessionDataOptions,
  GsSessionOptions,
  GsSocketLimits,
  GsSocketOptions,
  LegacyHash,
  Mail,
  Mailer,
  PasswordHasher,
  Pepper,
  RateLimit,
  SymbolValue
} from './options.ts'
export type { SessionWatch } from './live/watch-session.ts'
export type { OpenedSession, OpenSession } from './sessions/opened-session.ts'
export type { FindSessions, SessionState } from './sessions/session-states.ts'
export type { SessionData, SessionDataChanges } from './sessions/session-data.ts'
export type { ClientFacts, ClientFormats } from './sessions/client-facts.ts'
export type { AccountVisit, AnonymousVisit, SessionFacts, Visit } from './sessions/visit.ts'
