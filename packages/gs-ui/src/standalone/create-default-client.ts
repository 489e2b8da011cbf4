import { createSessionClient } from '../client/session-client.ts'

/** Stands in for react/lazy/create-default-client.ts. */
export const createDefaultClient = createSessionClient
