/*
 * Interfaces for the application to merge into: `declare module 'fastify-gs' { interface GsSessionData { cart: string[] } }`.
 * In a file of its own, because only what is exported by `export *` can be merged into under the name of the package.
 */

/** What the application keeps in sessions (`request.gs.data`): plain values that JSON can hold. */
export interface GsSessionData {}

/** Names of the application's own levels, as in the option `levels`: `interface GsLevels { editor: true }`. */
export interface GsLevels {}
