/** Why the board cannot start, in one sentence for the person who starts it: what is wrong, and how to cure it. */
export class StartError extends Error {
  override readonly name = 'StartError'
}
