type Listener = (...args: any[]) => unknown

/** Listeners by name. What one of them throws goes to `fail`, and stops nobody. */
export function listeners(fail: (error: any) => void) {
  const byName = new Map<unknown, Set<Listener>>()
  return {
    add(name: string, listener: Listener): () => void {
      // Its own function, so that one that is added twice is called twice, and taken away once.
      const own: Listener = (...args) => listener(...args)
      const set = byName.get(name) ?? new Set()
      byName.set(name, set.add(own))
      return () => void set.delete(own)
    },
    /** Whether there was one. */
    tell(name: unknown, args: readonly unknown[]): boolean {
      const set = byName.get(name)
      for (const listener of Array.from(set ?? [])) {
        try {
          const result = listener(...args)
          if (result instanceof Promise) result.catch(fail)
        } catch (error) {
          fail(error)
        }
      }
      return !!set?.size
    }
  }
}
