/*
 * For the application to merge into: `declare module 'fastify-gs-jwt' { interface JwtExt { role: 'editor' | 'reader' } }`.
 * In a file of its own, because only what is exported by `export *` can be merged into under the name of the package.
 */

/** The claim `ext`: what the application puts into its tokens. */
export interface JwtExt {}
