import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { quote } from './lwsws-problems.ts'
import type { LwswsSection } from './lwsws-section.ts'

/** Paths of files in PEM. */
export interface LwswsTls {
  readonly keyFile: string
  readonly certFile: string
  /** The authority of the certificates that visitors have. */
  readonly caFile: string | null
  readonly clientCertRequired: boolean
}

/** Where a vhost listens. */
export function readListen(section: LwswsSection): { interface: string | null; unixSocket: string | null } {
  const socket = section.member('unix-socket')
  // lwsws has a switch here, and the path where the interface stands.
  const isPath = socket?.value.type === 'string' && socket.value.value.includes('/')
  if (socket !== undefined && (isPath || section.boolean('unix-socket'))) {
    const key = isPath ? 'unix-socket' : 'interface'
    if (section.text(key)?.includes('/') === true) return { interface: null, unixSocket: section.path(key) }
    section.error('unix-socket', 'is on, and then "interface" must be the path of the socket to listen on, like "/run/site.sock".')
    return { interface: null, unixSocket: null }
  }
  return { interface: readInterface(section), unixSocket: null }
}

function readInterface(section: LwswsSection): string | null {
  const given = section.text('interface')
  const onlyIpv4 = section.boolean('noipv6')
  if (given === null) return onlyIpv4 ? '0.0.0.0' : null
  if (given === 'localhost' || isIP(given) !== 0) return given
  const devices = Object.entries(networkInterfaces())
  const addresses = devices.find(([device]) => device === given)?.[1] ?? []
  const address = addresses.find(({ family }) => family === 'IPv4') ?? addresses.find(({ scopeid }) => scopeid === 0)
  if (address !== undefined) return address.address
  const names = devices.map(([device]) => device).join(', ')
  return section.error(
    'interface',
    `is ${quote(given)}, which is no address and no network interface of this machine (${names}); correct it, or remove it to listen on all.`
  )
}

/** Keys and certificates of a vhost; null: plain HTTP. */
export function readTls(section: LwswsSection): LwswsTls | null {
  const clientCertRequired = section.boolean('client-cert-required')
  const named = (['host-ssl-key', 'host-ssl-cert'] as const).filter((key) => section.text(key) !== null)
  const [keyFile, certFile, caFile] = ['host-ssl-key', 'host-ssl-cert', 'host-ssl-ca'].map((key) => section.readableFile(key))
  const [only] = named
  if (only === undefined) {
    if (clientCertRequired)
      section.error(
        'client-cert-required',
        'asks for certificates of visitors, which needs TLS; write "host-ssl-key", "host-ssl-cert" and "host-ssl-ca".'
      )
    return null
  }
  if (named.length === 1)
    return section.error(only, `stands alone; write ${only === 'host-ssl-key' ? '"host-ssl-cert"' : '"host-ssl-key"'} beside it.`)
  if (clientCertRequired && section.text('host-ssl-ca') === null)
    section.error(
      'client-cert-required',
      'needs "host-ssl-ca", or every certificate of any authority would do; write the file of the authority whose certificates your visitors have.'
    )
  // The names were there, so what is missing now has been noted as an error.
  return { keyFile: keyFile ?? '', certFile: certFile ?? '', caFile: caFile ?? null, clientCertRequired }
}
