import { generate } from 'selfsigned'

export interface Certificate {
  readonly key: string
  readonly cert: string
}

const common = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' } as const

/** An authority that only tests trust. */
export async function makeAuthority(name: string): Promise<Certificate> {
  const made = await generate([{ name: 'commonName', value: name }], {
    ...common,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true }
    ]
  })
  return { key: made.private, cert: made.cert }
}

/** A certificate of the authority, for a server with this host name or for a person. */
export async function makeCertificate(authority: Certificate, name: string): Promise<Certificate> {
  const made = await generate([{ name: 'commonName', value: name }], {
    ...common,
    ca: authority,
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
      { name: 'subjectAltName', altNames: [{ type: 2, value: name }] }
    ]
  })
  return { key: made.private, cert: made.cert }
}
