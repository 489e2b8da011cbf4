/** Whether a function of the application has given a promise, or something like it. */
export const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'

/** A promise where none may be: that it rejects must not end the process. */
export function ignorePromise(value: unknown): void {
  if (isPromise(value)) Promise.resolve(value).catch(() => undefined)
}
