export { createClient } from './create-client.ts'
export { memoryStorage, type ClientStorage } from './storage.ts'
export type {
  AskOptions,
  ClientOptions,
  ClientSession,
  ClientSocket,
  ClientState,
  GsWsClient,
  Identity,
  LocalEvents
} from './client-types.ts'
