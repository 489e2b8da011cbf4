import { generate } from 'selfsigned'

export type KeyType = 'P-256' | 'RSA-2048'

export interface ServerCertificate {
  readonly cert: string
  readonly key: string
  /** The authority that has signed it. */
  readonly ca: string
}

const kinds = { 'P-256': { keyType: 'ec', curve: 'P-256' }, 'RSA-2048': { keyType: 'rsa', keySize: 2048 } } as const

/** Of an authority of its own, for localhost. */
export async function makeServerCertificate(type: KeyType): Promise<ServerCertificate> {
  const algorithm = { ...kinds[type], algorithm: 'sha256' }
  const authority = await generate([{ name: 'commonName', value: 'an authority for measurements' }], {
    ...algorithm,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true }
    ]
  })
  const server = await generate([{ name: 'commonName', value: 'localhost' }], {
    ...algorithm,
    ca: { key: authority.private, cert: authority.cert },
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }]
  })
  return { cert: server.cert, key: server.private, ca: authority.cert }
}
