import { realpathSync, statSync, type Stats } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { GsOptionError } from '../errors.ts'

/** What is known of a mount when others are registered and when files are looked up. */
export interface MountPlace {
  /** Full path, without slash at its end; empty: the root of the site. */
  readonly prefix: string
  /** Directory with all links followed; null: this mount has no files. */
  readonly root: string | null
  /** The server behind a proxy, and the path there without slash at its end; null: this mount is none. */
  readonly upstream: { readonly origin: string; readonly path: string } | null
  /** Whether everybody may see it. */
  readonly open: boolean
  /** Two mounts may share a root, or a place of the server behind, when this is the same. */
  readonly policy: string
  /** What answers about missing files have; null: it has no files, or somebody else answers. */
  readonly headersOfMissing: Readonly<Record<string, string>> | null
}

const below = (path: string, directory: string) => path === directory || path.startsWith(directory === sep ? sep : directory + sep)
const underPrefix = (path: string, prefix: string) => path === prefix || path.startsWith(`${prefix}/`)

/** What the file system has under a path. */
export type Found =
  /** `name` as it was asked for; `path` with all links followed. */
  | { readonly kind: 'file'; readonly name: string; readonly path: string; readonly length: number }
  | { readonly kind: 'directory' }
  | { readonly kind: 'nothing' }

const nothing: Found = { kind: 'nothing' }

/** All mounts of one application: who may serve which file. */
export class MountedFiles {
  readonly #places: MountPlace[] = []
  readonly #private: string[] = []

  /** Keeps a file, and what lies beside it under the same name (`-wal`, `-shm`), out of all mounts. */
  keepOut(file: string): void {
    this.#private.push(realpathSync(file))
  }

  /** @throws {GsOptionError} its files would be served past somebody's policy */
  add(place: MountPlace): void {
    const { prefix, root, upstream, policy } = place
    const name = prefix === '' ? '/' : prefix
    for (const other of this.#places) {
      if (other.prefix.toLowerCase() === prefix.toLowerCase())
        throw new GsOptionError(`fastify-gs: there are two mounts with the prefix ${name}; leave one out.`)
      if (root !== null && other.root === root && other.policy !== policy) {
        throw new GsOptionError(
          `fastify-gs: the mounts ${other.prefix === '' ? '/' : other.prefix} and ${name} have the same root (${root}) and different policies, so the looser one would show the files of the stricter; give each its own directory.`
        )
      }
      if (upstream !== null && other.upstream !== null && other.policy !== policy) {
        if (other.upstream.origin === upstream.origin && other.upstream.path === upstream.path) {
          throw new GsOptionError(
            `fastify-gs: the mounts ${other.prefix === '' ? '/' : other.prefix} and ${name} lead to the same place (${upstream.origin}${upstream.path}) and have different policies, so the looser one would show what is behind the stricter; leave one out.`
          )
        }
      }
    }
    const exposed = root === null ? undefined : this.#private.find((file) => below(file, root))
    if (exposed !== undefined) {
      throw new GsOptionError(
        `fastify-gs: the root of the mount ${name} contains the database ${exposed}, which would be served; move one of them.`
      )
    }
    this.#places.push(place)
  }

  /** The mount that answers for an address, if no route does. */
  at(address: string): MountPlace | undefined {
    return this.#places.filter(({ prefix }) => underPrefix(address, prefix)).toSorted((a, b) => b.prefix.length - a.prefix.length)[0]
  }

  /** The mount that would answer if this one were not there. */
  around(place: MountPlace): MountPlace | undefined {
    const others = this.#places.filter(({ prefix }) => prefix !== place.prefix && underPrefix(place.prefix, prefix))
    return others.toSorted((a, b) => b.prefix.length - a.prefix.length)[0]
  }

  /**
   * Whether a mount may serve a file or directory, all links followed. A file belongs to the mount with the innermost root around it:
   * others may show it only when that one is open to everybody. And a file of its own that stands where the address of an inner mount
   * begins is not served either, because people take that address for protected.
   */
  mayServe(place: MountPlace, real: string): boolean {
    let owner: MountPlace | undefined
    for (const other of this.#places) {
      if (other.root === null || !below(real, other.root)) continue
      if (owner === undefined || other.root.length > owner.root!.length) owner = other
    }
    if (owner === undefined || (owner.root !== place.root && !owner.open)) return false
    const { root } = owner
    const path = relative(root!, real).replaceAll(sep, '/').toLowerCase()
    const owners = root === place.root ? [place] : this.#places.filter((other) => other.root === root)
    return !owners.some(({ prefix }) => this.#leadsInside(prefix, `${prefix}/${path}`))
  }

  /**
   * Whether the server behind this mount could take the path of a request for one of another mount, which has a policy of its own: of an
   * inner mount, or of one that leads to an inner place of the same server. Other servers may know other spellings of one path than our
   * router: in capitals, with parameters or dots behind a segment, encoded twice.
   */
  namesOther(place: MountPlace, path: string): boolean {
    let decoded = path
    try {
      for (let times = 0; times < 3 && decoded.includes('%'); times++) decoded = decodeURIComponent(decoded)
    } catch {
      // What cannot be decoded once more is compared as it is.
    }
    const segments = decoded.split(/[/\\]/).map((segment) => segment.replace(/;.*$/s, '').replace(/[. \0]+$/, ''))
    const address = `/${segments.filter((segment) => segment !== '').join('/')}`
    return this.#leadsInside(place.prefix, address) || this.#leadsBehind(place, address.slice(place.prefix.length))
  }

  #leadsBehind({ upstream, policy }: MountPlace, rest: string): boolean {
    if (upstream === null) return false
    const path = (upstream.path + rest).toLowerCase()
    return this.#places.some(
      (other) =>
        other.policy !== policy &&
        !other.open &&
        other.upstream?.origin === upstream.origin &&
        other.upstream.path.length > upstream.path.length &&
        underPrefix(path, other.upstream.path.toLowerCase())
    )
  }

  #leadsInside(from: string, address: string): boolean {
    const path = address.toLowerCase()
    return this.#places.some(({ prefix }) => prefix.length > from.length && underPrefix(path, prefix.toLowerCase()))
  }

  /**
   * What a mount has under a path of its own, decoded. Names that begin with a dot, empty ones and those with characters that some
   * system takes for a separator are nothing.
   */
  find(place: MountPlace, path: string, indexes: readonly string[]): Found {
    const segments = path.split('/')
    const directory = segments.at(-1) === ''
    if (directory) segments.pop()
    if (segments.some((segment) => segment === '' || segment.startsWith('.') || /[\\\0:]/.test(segment))) return nothing
    const found = this.#look(place, join(place.root!, ...segments))
    if (found === null) return nothing
    if (found.stats.isFile())
      return directory ? nothing : { kind: 'file', name: segments.at(-1)!, path: found.real, length: found.stats.size }
    if (!found.stats.isDirectory()) return nothing
    if (!directory) return { kind: 'directory' }
    for (const index of indexes) {
      const file = this.#look(place, join(found.real, index))
      if (file?.stats.isFile() === true) return { kind: 'file', name: index, path: file.real, length: file.stats.size }
    }
    return nothing
  }

  /** For the file server: whether a path below the root may be served; of what does not exist it says itself. */
  allows(place: MountPlace, path: string): boolean {
    try {
      const real = realpathSync.native(join(place.root!, path))
      if (!this.mayServe(place, real)) return false
      // To read from a pipe or a device may never end.
      const stats = statSync(real)
      return stats.isFile() || stats.isDirectory()
    } catch (error) {
      // What cannot be followed to its end stays closed.
      return ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')
    }
  }

  #look(place: MountPlace, path: string): { real: string; stats: Stats } | null {
    try {
      const real = realpathSync.native(path)
      return this.mayServe(place, real) ? { real, stats: statSync(real) } : null
    } catch {
      return null
    }
  }
}
