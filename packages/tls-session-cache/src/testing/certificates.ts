import { isIP } from 'node:net'
import { generate } from 'selfsigned'

export interface Certificate {
  readonly key: string
  readonly cert: string
}

export type KeyKind = 'ec' | 'rsa'

const kinds = { ec: { keyType: 'ec', curve: 'P-256' }, rsa: { keyType: 'rsa', keySize: 2048 } } as const

/** An authority that only tests trust. It can sign certificates of its own kind. */
export async function makeAuthority(
  name = 'an authority for tests',
  { kind = 'ec', notAfter }: CertificateWishes = {}
): Promise<Certificate> {
  const made = await generate([{ name: 'commonName', value: name }], {
    ...kinds[kind],
    algorithm: 'sha256',
    ...(notAfter && { notAfterDate: notAfter }),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true }
    ]
  })
  return { key: made.private, cert: made.cert }
}

export interface CertificateWishes {
  readonly kind?: KeyKind
  readonly notBefore?: Date
  readonly notAfter?: Date
}

/** A certificate of the authority, for a server with these host names or for a client. */
export async function makeCertificate(
  authority: Certificate,
  names: readonly string[],
  { kind = 'ec', notAfter, notBefore }: CertificateWishes = {}
): Promise<Certificate> {
  const made = await generate([{ name: 'commonName', value: names[0]! }], {
    ...kinds[kind],
    algorithm: 'sha256',
    ca: authority,
    ...(notBefore && { notBeforeDate: notBefore }),
    ...(notAfter && { notAfterDate: notAfter }),
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
      { name: 'subjectAltName', altNames: names.map((value) => (isIP(value) !== 0 ? { type: 7, ip: value } : { type: 2, value })) }
    ]
  })
  return { key: made.private, cert: made.cert }
}
