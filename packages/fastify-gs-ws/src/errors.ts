/** A wrong option. Thrown while registering, never later. */
export class WsOptionError extends TypeError {
  override readonly name = 'WsOptionError'
  readonly code = 'GS_WS_OPTION'
}

/** The store cannot be used at all: it cannot be opened, is foreign or newer. */
export class WsStartError extends Error {
  override readonly name = 'WsStartError'
  readonly code = 'GS_WS_START'
}

/** The store cannot be asked at the moment. */
export class WsUnavailableError extends Error {
  override readonly name = 'WsUnavailableError'
  readonly code = 'GS_WS_UNAVAILABLE'
}

/** Another process has changed the same member of the data to something else; nothing was saved. Use `conn.update()`. */
export class WsConflictError extends Error {
  override readonly name = 'WsConflictError'
  readonly code = 'GS_WS_CONFLICT'
}

/** More than a session may hold. Nothing was saved. */
export class WsDataError extends Error {
  override readonly name = 'WsDataError'
  readonly code = 'GS_WS_DATA'
}

/** The session is over; nothing was saved. */
export class WsEndedError extends Error {
  override readonly name = 'WsEndedError'
  readonly code = 'GS_WS_ENDED'
}
