/** Runs something after a pause, as soon as the browser has nothing else to do; returns the function that cancels it. */
export function whenIdle(pause: number, run: () => void): () => void {
  let idle: number | undefined
  const timer = setTimeout(() => {
    // Not in Safari.
    if (typeof requestIdleCallback === 'function') idle = requestIdleCallback(run, { timeout: 1000 })
    else run()
  }, pause)
  return () => {
    clearTimeout(timer)
    if (idle !== undefined) cancelIdleCallback(idle)
  }
}
