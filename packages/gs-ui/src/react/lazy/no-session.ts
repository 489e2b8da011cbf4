/** Ends a rendering that has no client. In `lwsgs.js` there always is one, see standalone/. */
export function noSession(): never {
  throw new Error('gs-ui: there is no session here. Put <GsProvider> around useGs() and <GsLogin/>.')
}
