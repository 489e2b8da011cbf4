export { createGsClient } from './client/gs-client.ts'
export type { GsClient } from './client/gs-client.ts'
export type { GsClientOptions, GsDone } from './client/session-client.ts'
export type { GsEvent } from './client/gs-event.ts'
export type { ListedSession } from './client/listed-session.ts'
export { createGsAdmin } from './client/admin-calls.ts'
export type { AccountState, AdminPageQuery, GsAdmin } from './client/admin-calls.ts'
export type {
  AdminAccount,
  AdminAccountList,
  AdminGroup,
  AdminMail,
  AdminMailList,
  AdminPage,
  AdminSession,
  AdminSessionList,
  AuditEntry,
  AuditList
} from './client/admin-types.ts'
export type { GsFailure, GsResult } from './client/api-errors.ts'
export type { GsState } from './client/session-store.ts'
export type { SessionInfo } from './client/session-info.ts'
export { createJwtClient } from './client/jwt-client.ts'
export type { JwtClient, JwtClientOptions, JwtEnd, JwtState } from './client/jwt-client.ts'
export type { JwtSession } from './client/jwt-session.ts'
export { GsProvider } from './react/GsProvider.tsx'
export type { GsProviderProps } from './react/GsProvider.tsx'
export { GsLogin } from './react/GsLogin.tsx'
export type { GsLoginProps } from './react/GsLogin.tsx'
export { useGs } from './react/use-gs.ts'
export type { UseGs } from './react/use-gs.ts'
export { useJwt } from './react/use-jwt.ts'
export { useGsEvent } from './react/use-gs-event.ts'
export {
  GsAccountPanel,
  GsAdminPanel,
  GsBadge,
  GsChangeEmailPanel,
  GsChangePasswordPanel,
  GsDeleteAccountPanel,
  GsForgotPasswordPanel,
  GsLoginCodePanel,
  GsLoginPanel,
  GsRegisterPanel,
  GsSessionsPanel
} from './react/panels.tsx'
export type { GsMemberPanelProps, GsPanelName, GsPanelProps } from './react/panels.tsx'
export { loadGsParts } from './react/load-gs-parts.ts'
export type { GsPart } from './react/load-gs-parts.ts'
export type { Language, Translation } from './texts/translation.ts'
