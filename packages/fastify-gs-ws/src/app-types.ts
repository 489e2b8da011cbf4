/*
 * For the application to merge into: `declare module 'fastify-gs-ws' { interface WsSessionData { count: number } }`.
 * In a file of its own, because only what is exported by `export *` can be merged into under the name of the package.
 */

/** What the application keeps in sessions (`conn.session.data`): plain values that JSON can hold. */
export interface WsSessionData {}
