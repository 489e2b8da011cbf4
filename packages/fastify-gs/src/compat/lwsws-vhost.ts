import { validateHeaderName, validateHeaderValue } from 'node:http'
import { isIP } from 'node:net'
import { gsPaths } from '../api.ts'
import { adminPagePath } from '../forms-page.ts'
import { pageStylePath } from '../page.ts'
import { lwsgsPaths } from './lwsgs-paths.ts'
import type { LwswsMember, LwswsObject, LwswsPlace } from './lwsws-json.ts'
import { readListen, readTls, type LwswsTls } from './lwsws-listener.ts'
import { readMount, type LwswsMount } from './lwsws-mount.ts'
import { quote } from './lwsws-problems.ts'
import { didYouMean, LwswsSection, type LwswsKeys, type LwswsReading } from './lwsws-section.ts'
import { readSessions, sessionsProtocol, type LwswsSessions } from './lwsws-sessions.ts'

export interface LwswsVhost extends LwswsPlace {
  /** The host name; `*.example.com` for all names below one. */
  readonly name: string
  readonly port: number
  /** Address to listen on; null: all. */
  readonly interface: string | null
  /** Path of the socket to listen on instead of a port. */
  readonly unixSocket: string | null
  /** Null: plain HTTP. */
  readonly tls: LwswsTls | null
  /** Whether browsers shall insist on https (`Strict-Transport-Security`). */
  readonly hsts: boolean
  /** Added to every answer; names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Path to which those are sent who ask for a missing file. */
  readonly errorDocument404: string | null
  /** Seconds. */
  readonly keepAliveTimeout: number
  /** Plain HTTP on the port of TLS leads to https. */
  readonly redirectHttp: boolean
  /** Path of a file. */
  readonly accessLog: string | null
  readonly mounts: readonly LwswsMount[]
  /** Null: protocol-generic-sessions is not enabled here. */
  readonly sessions: LwswsSessions | null
  /** The other protocols that are enabled here: the application's. */
  readonly protocols: readonly string[]
}

const ciphers = 'Node and its OpenSSL choose protocols, curves and ciphers that are safe today'
const roles = 'every connection is HTTP'
const client = 'requests of proxy mounts trust the certificate authorities that Node trusts; add one with NODE_EXTRA_CA_CERTS'

export const vhostKeys: LwswsKeys = {
  known: [
    'name',
    'port',
    'interface',
    'unix-socket',
    'noipv6',
    'host-ssl-key',
    'host-ssl-cert',
    'host-ssl-ca',
    'client-cert-required',
    'sts',
    'headers',
    'error-document-404',
    'keepalive_timeout',
    'keepalive-timeout',
    'keeplive-timeout',
    'redirect-http',
    'allow-non-tls',
    'access-log',
    'onlyraw',
    'mounts',
    'ws-protocols'
  ],
  repeatable: ['headers', 'mounts', 'ws-protocols'],
  idle: {
    'unix-socket-perms': 'the socket belongs to the user of the server; set the rights of its directory',
    'strict-host-check':
      'a request for an unknown name gets the first vhost of its port, and forms are accepted only from pages of "base-url"',
    ipv6only: 'write "interface": "::1" or another IPv6 address to listen on that alone',
    'allow-http-on-https': 'a TLS vhost never serves pages unencrypted; "redirect-http" leads people to https',
    'disable-no-protocol-ws-upgrades': 'websockets belong to the application, and there are none without a protocol',
    'ignore-missing-cert': 'a missing certificate is always an error',
    ciphers,
    'tls13-ciphers': ciphers,
    'ecdh-curve': ciphers,
    'ssl-option-set': ciphers,
    'ssl-option-clear': ciphers,
    alpn: 'HTTP/1.1 is spoken',
    'listen-accept-role': roles,
    'listen-accept-protocol': roles,
    'apply-listen-accept': roles,
    'fallback-listen-accept': roles,
    'enable-client-ssl': client,
    'client-ssl-key': client,
    'client-ssl-cert': client,
    'client-ssl-ca': client,
    'client-ssl-ciphers': client,
    'client-tls13-ciphers': client,
    'ssl-client-option-set': client,
    'ssl-client-option-clear': client
  },
  counts: 'last'
}

/** Reads one of `vhosts[]`; null when name or port are not usable. */
export function readVhost(node: LwswsObject, reading: LwswsReading): LwswsVhost | null {
  const given = node.members.findLast((member) => member.key === 'name')?.value
  const vhost = `the vhost${given?.type === 'string' ? ` ${quote(given.value)}` : ''}`
  const section = new LwswsSection(node, vhost, vhostKeys, reading)
  const name = readName(section)
  const port = readPort(section)
  const listen = readListen(section)
  const tls = readTls(section)
  if (section.boolean('onlyraw')) section.error('onlyraw', 'is on, but every connection is HTTP here; remove this vhost.')
  const settings = {
    ...listen,
    tls,
    hsts: readForTls(section, 'sts', tls !== null),
    redirectHttp: readForTls(section, 'redirect-http', tls !== null),
    headers: readHeaders(section),
    errorDocument404: readErrorDocument(section),
    keepAliveTimeout: readKeepAlive(section),
    accessLog: section.path('access-log')
  }
  if (section.boolean('allow-non-tls') && !settings.redirectHttp)
    section.warning(
      'allow-non-tls',
      'has no effect here: a TLS vhost never serves pages unencrypted; "redirect-http": "1" leads people to https.'
    )

  const mounts = section
    .objects('mounts', '[{ "mountpoint": "/", "origin": "file:///path/of/a/directory" }]')
    .map((mount) => readMount(mount, vhost, reading))
    .filter((mount) => mount !== null)
  const enabled = readProtocols(section, vhost, reading)
  const own = enabled.find(({ key }) => key === sessionsProtocol)
  const protocols = enabled.filter((member) => member !== own).map(({ key }) => key)
  const place = { vhost, name: name ?? '', port: port ?? 0, unixSocket: listen.unixSocket !== null, tls: tls !== null, mounts }
  const sessions = own === undefined ? null : readSessions(own.value as LwswsObject, place, reading)
  checkMounts(mounts, vhost, own !== undefined, [sessionsProtocol, ...protocols], reading)
  checkMasks(mounts, vhost, sessions, reading)
  if (name === null || port === null) return null
  return { name, port, ...settings, mounts, sessions, protocols, file: section.file, line: section.line }
}

function readName(section: LwswsSection): string | null {
  const name = section.required('name', 'the host name of the site, like "example.com"')
  if (name === '') return null
  if (/^(?:\*\.)?[\p{L}\p{N}_.-]+$/u.test(name) || isIP(name) !== 0) return name
  return section.error('name', `is ${quote(name)}; write a host name without port and path, like "example.com" or "*.example.com".`)
}

function readPort(section: LwswsSection): number | null {
  const port = section.count('port', { fallback: 0, min: 1, max: 65_535 })
  if (!section.has('port')) section.error(null, 'needs the key "port"; write one like "7681".')
  return port === 0 ? null : port
}

function readForTls(section: LwswsSection, key: string, tls: boolean): boolean {
  const wanted = section.boolean(key)
  if (wanted && !tls) section.warning(key, 'has no effect without TLS; write "host-ssl-key" and "host-ssl-cert".')
  return wanted && tls
}

/** They say where an answer ends: another one would make two answers of it. */
const framing = new Set(['connection', 'content-length', 'keep-alive', 'trailer', 'transfer-encoding', 'upgrade'])

function readHeaders(section: LwswsSection): Readonly<Record<string, string>> {
  const headers = new Map<string, string>()
  for (const object of section.objects('headers', '[{ "x-frame-options": "deny" }]')) {
    for (const member of object.members) {
      // lwsws sends the colon as it is given.
      const name = member.key.replace(/:\s*$/, '').toLowerCase()
      const about = { ...member, key: 'headers' }
      const value = section.textOf(about) ?? ''
      try {
        validateHeaderName(name)
        validateHeaderValue(name, value)
      } catch {
        section.error(
          about,
          `has ${quote(member.key)}: ${quote(value)}, which cannot be sent; write a name of letters, digits and -, and a value in ASCII.`
        )
        continue
      }
      if (framing.has(name)) {
        section.error(about, `has ${quote(member.key)}, which the server itself decides about; remove it.`)
        continue
      }
      const before = headers.get(name)
      headers.set(name, before === undefined ? value : `${before}, ${value}`)
    }
  }
  return Object.fromEntries(headers)
}

function readErrorDocument(section: LwswsSection): string | null {
  const path = section.text('error-document-404')
  if (path === null || /^\/(?!\/)[\x21-\x5b\x5d-\x7e]*$/.test(path)) return path
  return section.error('error-document-404', `is ${quote(path)}; write a path of this site, like "/404.html".`)
}

/** Node would wait for ever when told 0; lwsws takes that for its default. */
const defaultKeepAlive = 5

function readKeepAlive(section: LwswsSection): number {
  // The second and third are how the manual writes the first.
  const key = ['keepalive_timeout', 'keepalive-timeout', 'keeplive-timeout'].find((name) => section.has(name))
  const seconds = key === undefined ? 0 : section.count(key, { fallback: 0, min: 0, max: 86_400, cure: 'seconds, like "60"' })
  return seconds || defaultKeepAlive
}

const protocolsShape = '[{ "name-of-a-protocol": { "status": "ok" } }]'

function readProtocols(section: LwswsSection, vhost: string, { problems }: LwswsReading): readonly LwswsMember[] {
  const found: LwswsMember[] = []
  for (const object of section.objects('ws-protocols', protocolsShape)) {
    for (const member of object.members) {
      if (member.value.type !== 'object') {
        section.error({ ...member, key: 'ws-protocols' }, `must have an object for ${quote(member.key)}: ${protocolsShape}.`)
      } else if (found.some(({ key }) => key === member.key)) {
        problems.error(member, `the protocol ${quote(member.key)} of ${vhost} stands here again; put all its options into one object.`)
      } else {
        found.push(member)
        if (member.key === sessionsProtocol) continue
        const protocol = `the protocol ${quote(member.key)} of ${vhost}`
        const guess = didYouMean(member.key, [sessionsProtocol])
        if (guess !== '') problems.error(member, `${protocol} is not known${guess}`)
        else
          problems.warning(
            member,
            `${protocol} is code of an application: its pages are served, its websocket and its own forms are not, unless an application registers them.`
          )
      }
    }
  }
  return found
}

/** What a mount needs of its vhost. */
function checkMounts(
  mounts: readonly LwswsMount[],
  vhost: string,
  hasSessions: boolean,
  protocols: readonly string[],
  { problems }: LwswsReading
): void {
  for (const [index, mount] of mounts.entries()) {
    const name = `the mount ${quote(mount.prefix)} of ${vhost}`
    const twin = mounts.slice(0, index).find(({ prefix }) => prefix === mount.prefix)
    if (twin !== undefined)
      problems.error(
        mount,
        `${name} stands here again, after ${twin.file}:${twin.line}; remove one of them, or give it another mountpoint.`
      )
    if (!hasSessions && mount.mask !== 0)
      problems.error(
        mount,
        `${name} has the auth-mask ${mount.mask}, which nobody could enforce; enable ${sessionsProtocol} in "ws-protocols" of this vhost, or remove the auth-mask to open the mount to everybody.`
      )
    if (!hasSessions && mount.interpret.length > 0)
      problems.error(
        mount,
        `${name} has "interpret", and there are no sessions whose values could be inserted; enable ${sessionsProtocol} in "ws-protocols" of this vhost, or remove "interpret".`
      )
    if (mount.callback !== null && !protocols.includes(mount.callback))
      problems.warning(
        mount,
        `${name} names the protocol ${quote(mount.callback)}, which "ws-protocols" of this vhost does not have${didYouMean(mount.callback, protocols) || '; add it there, or remove the origin.'}`
      )
  }
}

function checkMasks(mounts: readonly LwswsMount[], vhost: string, sessions: LwswsSessions | null, { problems }: LwswsReading): void {
  if (sessions === null) return
  const { prefix, sectors = [] } = sessions.options
  const own = new Set(
    [...Object.values(gsPaths), ...Object.values(gsPaths.admin), ...Object.values(lwsgsPaths), adminPagePath, pageStylePath].flatMap(
      (path) => (typeof path === 'string' ? [prefix + path] : [])
    )
  )
  for (const mount of mounts) {
    if (own.has(mount.prefix))
      problems.error(
        mount,
        `the mount ${quote(mount.prefix)} of ${vhost} is where ${sessionsProtocol} itself answers; give it another mountpoint, or another path to "email-confirm-url-base".`
      )
    const unnamed = Array.from({ length: 28 - sectors.length }, (_, index) => index + 4 + sectors.length).filter(
      (bit) => (mount.mask >>> bit) & 1
    )
    if (unnamed.length > 0)
      problems.warning(
        mount,
        `the auth-mask ${mount.mask} of the mount ${quote(mount.prefix)} of ${vhost} has bit ${unnamed.join(' and ')}, which nobody can have; name bits from 4 on in "sectors" of ${sessionsProtocol}, or correct the mask.`
      )
    if (mount.prefix === prefix && mount.mask !== 0)
      problems.warning(
        mount,
        `the mount ${quote(mount.prefix)} of ${vhost} is where people log in, and its auth-mask hides its own pages from those who have not; set it to "0", and protect a mount below it.`
      )
  }
}
