import { createGsClient } from '../../client/gs-client.ts'
import type { GsClientOptions } from '../../client/session-client.ts'

/** The client of a provider that is given none. `lwsgs.js` always gives one. */
export const createDefaultClient = (options: GsClientOptions) => createGsClient(options)
