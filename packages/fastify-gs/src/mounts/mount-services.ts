import { MountedFiles } from './mounted-files.ts'
import type { Guard } from './require.ts'
import type { Symbols } from './symbols.ts'

/** What mounts know of the plugin they belong to. */
export interface MountServices {
  readonly files: MountedFiles
  readonly symbols: Symbols
  readonly guard: Guard
  readonly origin: string
  /** Path to which those are sent who are not logged in. */
  readonly loginPage: string
  /** Of the session cookies, with their prefix. */
  readonly cookieNames: readonly string[]
}

const servicesOf = new WeakMap<object, MountServices>()

/** @param gs the decorator `app.gs`, by which mounts find what belongs to it */
export function provideMounts(gs: object, services: Omit<MountServices, 'files'>): MountedFiles {
  const files = new MountedFiles()
  servicesOf.set(gs, { ...services, files })
  return files
}

export function mountServicesOf(gs: object): MountServices {
  return servicesOf.get(gs)!
}
