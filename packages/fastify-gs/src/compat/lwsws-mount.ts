import { realpathSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { validateHeaderValue } from 'node:http'
import { interpretableSuffixes, textKind } from '../mounts/escapes.ts'
import type { LwswsMember, LwswsObject, LwswsPlace } from './lwsws-json.ts'
import { quote } from './lwsws-problems.ts'
import { didYouMean, LwswsSection, type LwswsKeys, type LwswsReading } from './lwsws-section.ts'

/** What answers below a mount. */
export type LwswsOrigin =
  | { readonly kind: 'files'; /** Absolute. */ readonly directory: string }
  | { readonly kind: 'proxy'; readonly url: string }
  | { readonly kind: 'redirect'; readonly url: string }
  /** All requests go to the associated protocol. */
  | { readonly kind: 'callback' }

export interface LwswsMount extends LwswsPlace {
  /** `/` or `/x/y`, without a slash at the end. */
  readonly prefix: string
  readonly origin: LwswsOrigin
  /** The associated protocol: gets posts and what is no file. */
  readonly callback: string | null
  /** File for the prefix itself. */
  readonly default: string | null
  /** Bits that a visitor must have, unsigned 32 bits; 0: everybody. */
  readonly mask: number
  /** Suffixes, lower case, of the files in which symbols are replaced. */
  readonly interpret: readonly string[]
  /** The value of `Cache-Control`, for files that everybody may see. */
  readonly cacheControl: string
  /** Content types by suffix in lower case; `*` is for all others; an empty type: none is sent. */
  readonly mimeTypes: Readonly<Record<string, string>>
  /** File with lines `user:password` for HTTP Basic. */
  readonly basicAuthFile: string | null
}

export const mountKeys: LwswsKeys = {
  known: [
    'mountpoint',
    'origin',
    'default',
    'auth-mask',
    'interpret',
    'cache-max-age',
    'cache-reuse',
    'cache-revalidate',
    'cache-intermediaries',
    'extra-mimetypes',
    'basic-auth'
  ],
  repeatable: ['origin', 'interpret', 'extra-mimetypes'],
  idle: {
    protocol: 'lwsws ignores it as well; name the protocol in a second "origin": "callback://…"',
    'cgi-env': 'programs are not run; serve them by a server of their own and pass requests on with "origin": "http://127.0.0.1:port/"',
    'cgi-timeout': 'programs are not run',
    pmo: 'options of a mount belong to a protocol of the application; put them into its own configuration'
  },
  counts: 'last'
}

const fileKeys = ['default', 'interpret', 'cache-max-age', 'cache-reuse', 'cache-revalidate', 'cache-intermediaries', 'extra-mimetypes']

/** Reads one of `vhosts[].mounts[]`; null when it cannot be one. */
export function readMount(node: LwswsObject, vhost: string, reading: LwswsReading): LwswsMount | null {
  const point = node.members.findLast((member) => member.key === 'mountpoint')?.value
  const name = `the mount ${point?.type === 'string' ? `${quote(point.value)} ` : ''}of ${vhost}`
  const section = new LwswsSection(node, name, mountKeys, reading)
  const prefix = readPrefix(section)
  const origins = readOrigins(section)
  const mask = section.count('auth-mask', {
    fallback: 0,
    min: 0,
    max: 0xffff_ffff,
    cure: 'the sum of the bits as a decimal number, like "5"'
  })
  const mount = {
    default: readDefault(section),
    interpret: readInterpret(section),
    cacheControl: readCacheControl(section, mask),
    mimeTypes: readMimeTypes(section),
    basicAuthFile: readBasicAuth(section)
  }
  if (prefix === null || origins === null) return null
  if (origins.origin.kind !== 'files') {
    for (const key of fileKeys) if (section.has(key)) section.warning(key, 'has no effect: this mount serves no files.')
  }
  return { prefix, mask, ...origins, ...mount, file: section.file, line: section.line }
}

function readPrefix(section: LwswsSection): string | null {
  const point = section.required('mountpoint', 'a path like "/lwsgs"')
  if (point === '') return null
  if (point === '/') return point
  if (/^(?:\/(?!\.{1,2}(?:\/|$))[\w\-.~]+)+\/?$/.test(point)) return point.replace(/\/$/, '')
  return section.error(
    'mountpoint',
    `is ${quote(point)}; write a path of letters, digits and - . _ ~ that begins with a slash, like "/lwsgs".`
  )
}

function readOrigins(section: LwswsSection): { origin: LwswsOrigin; callback: string | null } | null {
  const members = section.all('origin')
  const served: { member: LwswsMember; origin: LwswsOrigin }[] = []
  const callbacks: LwswsMember[] = []
  let callback: string | null = null
  for (const member of members) {
    const given = section.textOf(member)
    if (given === null) {
      section.error(member, 'is empty; write "file:///path/of/a/directory" or another origin.')
      return null
    }
    const protocol = /^callback:\/\/(.*)$/.exec(given)?.[1]
    if (protocol === undefined) {
      const origin = readOrigin(section, member, given)
      if (origin === null) return null
      served.push({ member, origin })
    } else {
      if (protocol === '')
        return section.error(member, 'names no protocol; write "callback://" and the name of a protocol of "ws-protocols".')
      callback = protocol
      callbacks.push(member)
    }
  }
  const [first] = served
  if (first === undefined) {
    if (callback !== null) return { origin: { kind: 'callback' }, callback }
    section.error(null, 'needs the key "origin"; write "file:///path/of/a/directory" or another origin.')
    return null
  }
  if (served.length > 1)
    return section.error(served[1]!.member, 'is the second one that serves something; give each its own mount, with its own mountpoint.')
  if (callbacks.length > 1) return section.error(callbacks[1]!, 'is the second one that names a protocol; remove one of them.')
  // The first origin serves: a protocol which stands there leaves nothing to the directory after it.
  if (members[0] !== first.member) {
    section.warning(
      first.member,
      'has no effect, because the "callback://" before it serves everything; put this one first to serve files.'
    )
    return { origin: { kind: 'callback' }, callback }
  }
  return { origin: first.origin, callback }
}

const schemes = ['file://', 'callback://', 'http://', 'https://', '>http://', '>https://', '^http://', '^https://']

function readOrigin(section: LwswsSection, member: LwswsMember, given: string): LwswsOrigin | null {
  const [, mark, scheme, rest] = /^([>^]?)(\w+:\/\/)(.*)$/.exec(given) ?? []
  if (scheme === 'file://' && mark === '') return readDirectory(section, member, rest!)
  if (scheme === 'http://' || scheme === 'https://') {
    const url = URL.parse(given.slice(mark!.length))
    if (url === null || /[\\\s]/.test(given) || url.search !== '' || url.hash !== '' || url.username !== '') {
      return section.error(member, `is ${quote(given)}; write an address without user and query, like "http://127.0.0.1:8080/path".`)
    }
    return { kind: mark === '' ? 'proxy' : 'redirect', url: url.href }
  }
  if (scheme === 'cgi://') {
    return section.error(
      member,
      'begins with cgi://, and programs are not run here; serve the program by a server of its own and write "origin": "http://127.0.0.1:port/".'
    )
  }
  if (scheme === 'gzip://') {
    return section.error(
      member,
      'begins with gzip://, and files are not served out of archives here; unpack the archive and write "origin": "file:///path/of/the/directory".'
    )
  }
  const guess = didYouMean(`${mark ?? ''}${scheme ?? given.slice(0, 10)}`, schemes)
  return section.error(
    member,
    `is ${quote(given)}, which is no origin; write one that begins with ${schemes.slice(0, 6).join(', ')}${guess || '.'}`
  )
}

function readDirectory(section: LwswsSection, member: LwswsMember, given: string): LwswsOrigin | null {
  if (given === '') return section.error(member, 'names no directory; write "file:///path/of/a/directory".')
  const directory = resolve(dirname(section.file), given)
  try {
    const real = realpathSync.native(directory)
    if (statSync(real).isDirectory()) return { kind: 'files', directory: real }
  } catch {
    // Said below.
  }
  return section.error(
    member,
    `names the directory ${quote(directory)}, which is not there or cannot be read; correct the path, or make it.`
  )
}

function readDefault(section: LwswsSection): string | null {
  const given = section.text('default')?.replace(/^\/+/, '') ?? null
  if (given === null || /^[^./\\][^/\\]*$/.test(given)) return given
  return section.error('default', `is ${quote(given)}; write the name of a file in the directory of the mount, like "index.html".`)
}

function readInterpret(section: LwswsSection): readonly string[] {
  const suffixes = new Set<string>()
  for (const [suffix, member] of section.texts('interpret', '{ ".js": "name of a protocol" }')) {
    const folded = suffix.toLowerCase()
    const extension = folded.slice(Math.max(0, folded.lastIndexOf('.')))
    if (/[/\\\p{Cc}]/u.test(folded) || textKind(extension) === null) {
      section.error(
        { ...member, key: 'interpret' },
        `has the suffix ${quote(suffix)}, for which nobody knows how to insert values safely; possible are ${interpretableSuffixes.join(', ')}.`
      )
    } else suffixes.add(folded)
  }
  return [...suffixes]
}

function readCacheControl(section: LwswsSection, mask: number): string {
  const maxAge = section.count('cache-max-age', { fallback: 0, min: 0, max: 2_147_483_647 })
  const reuse = section.boolean('cache-reuse')
  const revalidate = section.boolean('cache-revalidate')
  const intermediaries = section.boolean('cache-intermediaries')
  if (maxAge === 0 || !reuse) {
    if (maxAge !== 0) section.warning('cache-max-age', 'has no effect without "cache-reuse": "1".')
    if (reuse) section.warning('cache-reuse', 'has no effect without "cache-max-age".')
    return 'no-store'
  }
  if (mask !== 0) section.warning('cache-max-age', 'has no effect: what has an "auth-mask" is never stored.')
  return `${revalidate ? 'must-revalidate, ' : ''}${intermediaries ? 'public' : 'private'}, max-age=${maxAge}`
}

function readMimeTypes(section: LwswsSection): Readonly<Record<string, string>> {
  const types: [string, string][] = []
  for (const [suffix, member] of section.texts('extra-mimetypes', '{ ".wasm": "application/wasm" }')) {
    const about = { ...member, key: 'extra-mimetypes' }
    if (suffix !== '*' && !/^\.[^/\\\p{Cc}]+$/u.test(suffix)) {
      section.error(about, `has the suffix ${quote(suffix)}; write one with its dot, like ".wasm", or "*" for all others.`)
      continue
    }
    try {
      validateHeaderValue('content-type', member.text)
      types.push([suffix.toLowerCase(), member.text])
    } catch {
      section.error(about, `has the type ${quote(member.text)}, which cannot be sent; write one like "application/wasm".`)
    }
  }
  return Object.fromEntries(types)
}

function readBasicAuth(section: LwswsSection): string | null {
  if (section.has('basic-auth')) section.required('basic-auth', 'the path of a file with lines user:password, or remove the key')
  return section.readableFile('basic-auth')
}
