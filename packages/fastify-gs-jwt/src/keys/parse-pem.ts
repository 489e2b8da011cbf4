import { createPrivateKey, createPublicKey, X509Certificate, type KeyObject } from 'node:crypto'
import type { JWK } from 'jose'
import { refuseKey } from './refuse-key.ts'

const blockPattern = /-----BEGIN ([A-Z0-9 ]{1,40})-----\r?\n[^-]*(?:-(?!----)[^-]*)*-----END \1-----/g
const privateLabels = ['PRIVATE KEY', 'ENCRYPTED PRIVATE KEY', 'EC PRIVATE KEY', 'RSA PRIVATE KEY']
const publicLabels = ['PUBLIC KEY', 'RSA PUBLIC KEY']

/**
 * The keys in a PEM text, as JWKs without metadata. A private key and its own public key or certificate are one key. The dates of
 * certificates count for nothing: it is the operator who says when a key retires.
 *
 * @param name how messages call the text
 * @throws {JwtKeyError}
 */
export function parsePem(text: string, name: string, passphrase?: string | Uint8Array): readonly JWK[] {
  const blocks = [...text.matchAll(blockPattern)]
  if (blocks.length === 0 || blocks.length !== text.split('-----BEGIN ').length - 1)
    refuseKey(`${name} is damaged or no key: neither JSON nor PEM; restore it from a backup, or make a key with "gs jwk generate".`)
  const certificates: X509Certificate[] = []
  const keys = new Map<string, KeyObject>()
  for (const [block, label] of blocks) {
    // `openssl ecparam -genkey` writes the curve in front of the key, which names it, too.
    if (label === 'EC PARAMETERS') continue
    const key = readBlock(block, label!, name, passphrase, certificates)
    const open = key.type === 'private' ? createPublicKey(key) : key
    const identity = open.export({ type: 'spki', format: 'der' }).toString('base64')
    if (!keys.has(identity) || key.type === 'private') keys.set(identity, key)
  }
  if (certificates.some((one) => certificates.some((other) => one !== other && one.raw.compare(other.raw) !== 0 && one.checkIssued(other))))
    refuseKey(`${name} is a chain of certificates, whose authority could sign tokens, too; leave only the one of the issuer.`)
  if (keys.size === 0) refuseKey(`${name} has the parameters of a key, but no key; restore it from a backup.`)
  return [...keys.values()].map((key) => toJwk(key, name))
}

function readBlock(
  block: string,
  label: string,
  name: string,
  passphrase: string | Uint8Array | undefined,
  certificates: X509Certificate[]
): KeyObject {
  const encrypted = label === 'ENCRYPTED PRIVATE KEY' || block.includes('Proc-Type: 4,ENCRYPTED')
  if (encrypted && passphrase === undefined) refuseKey(`${name} is encrypted; add its passphrase to the option keys, beside file or pem.`)
  try {
    if (privateLabels.includes(label))
      return createPrivateKey({
        key: block,
        ...(encrypted && { passphrase: typeof passphrase === 'string' ? passphrase : Buffer.from(passphrase!) })
      })
    if (publicLabels.includes(label)) return createPublicKey(block)
    if (label === 'CERTIFICATE') {
      const certificate = new X509Certificate(block)
      certificates.push(certificate)
      return certificate.publicKey
    }
  } catch {
    // The error of OpenSSL says little, and might say too much.
    refuseKey(
      encrypted
        ? `${name} cannot be decrypted: the passphrase is wrong, or the key is damaged.`
        : `The ${label} of ${name} is damaged, or of a kind that Node.js does not know; restore it from a backup.`
    )
  }
  return refuseKey(
    `The ${label} of ${name} is no key for tokens; PKCS#8 (PRIVATE KEY), SPKI (PUBLIC KEY) and certificates are, and "openssl pkey" converts others.`
  )
}

function toJwk(key: KeyObject, name: string): JWK {
  try {
    return key.export({ format: 'jwk' })
  } catch {
    return refuseKey(
      `${name} is of the type ${key.asymmetricKeyType}, which tokens cannot have; make another one with "gs jwk generate"${
        key.asymmetricKeyType === 'rsa-pss' ? ' (for PS256 a plain RSA key)' : ''
      }.`
    )
  }
}
