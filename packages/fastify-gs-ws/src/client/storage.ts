import type { Identity } from './client-types.ts'

/** As `localStorage`; or with promises. */
export interface ClientStorage {
  getItem(key: string): string | null | Promise<string | null>
  setItem(key: string, value: string): unknown
  removeItem(key: string): unknown
}

/** Forgets with the page or process; clients that are given the same one share what it has. */
export function memoryStorage(): ClientStorage {
  const items = new Map<string, string>()
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => items.set(key, value),
    removeItem: (key) => items.delete(key)
  }
}

export interface Credentials {
  read(): Promise<Identity | null>
  /** Null: forgets. */
  write(identity: Identity | null): Promise<void>
}

const page = globalThis as { readonly document?: unknown; readonly localStorage?: ClientStorage }

/** Goes on without a storage that fails, and tells. */
export function credentials(storage: ClientStorage | undefined, key: string, fail: (error: Error) => void): Credentials {
  // Reading `localStorage` throws where pages may not have one. In Node it is there only when asked for, and else warns.
  const open = () => storage ?? (page.document ? page.localStorage : null)
  const attempt = async <T>(act: () => T | Promise<T>): Promise<T | null> => {
    try {
      return await act()
    } catch (error) {
      fail(error as Error)
      return null
    }
  }
  return {
    read: () =>
      attempt(async () => {
        const text = await open()?.getItem(key)
        if (text == null) return null
        const { id, secret } = JSON.parse(text)
        if (!isId(id) || typeof secret !== 'string') throw new TypeError(`${key}: no session`)
        return { id, secret }
      }),
    async write(identity) {
      await attempt(() => (identity ? open()?.setItem(key, JSON.stringify(identity)) : open()?.removeItem(key)))
    }
  }
}

export const isId = (value: unknown): value is string | number => typeof value === 'string' || typeof value === 'number'
