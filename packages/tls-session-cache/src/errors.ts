/** A wrong option. Thrown when a cache, an adapter or a helper is made, or before anything is connected, never later. */
export class TlsCacheOptionError extends TypeError {
  override readonly name = 'TlsCacheOptionError'
  readonly code = 'GS_TLS_OPTION'
}

/**
 * Why saved sessions were not taken. `damaged`: it is none of ours, or was changed. `key`: another key, or none. `version`: of another version of this
 * package, or of a Node with other sessions. `expired`; `foreign`: of another namespace, or for a peer or settings that nobody asked for. `file`: it
 * cannot be read or written, or others could have changed it.
 */
export type SavedSessionFault = 'damaged' | 'key' | 'version' | 'expired' | 'foreign' | 'file'

/** Saved sessions that cannot be used. Its message never contains anything of them. */
export class SavedSessionError extends Error {
  override readonly name = 'SavedSessionError'
  readonly code = 'GS_TLS_SAVED'
  readonly fault: SavedSessionFault

  constructor(fault: SavedSessionFault, message: string) {
    super(message)
    this.fault = fault
  }
}
