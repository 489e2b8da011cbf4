import { createCipheriv, createDecipheriv, createHash, randomBytes, scrypt } from 'node:crypto'
import { SavedSessionError } from '../errors.ts'
import type { ResolvedProtection } from './saved-options.ts'

/** What anybody can read of a record, and nobody change. */
export type Head = Readonly<Record<string, unknown>>

const prefix = 'tsc1'
const cipher = 'aes-256-gcm'
const nonceBytes = 12
const tagBytes = 16
const saltBytes = 16

/** What OWASP advises; takes 128 MiB for part of a second. */
const cost = 17
const leastCost = 14
/** Passphrases of which keys are made while something is loaded; else a file could keep this process busy for hours. */
const mostKeys = 4

const stretch = (passphrase: string, salt: Buffer, logN: number) =>
  new Promise<Buffer>((resolve, reject) => {
    scrypt(passphrase, salt, 32, { N: 2 ** logN, r: 8, p: 1, maxmem: 256 * 2 ** 20 }, (error, key) =>
      error === null ? resolve(key) : reject(error)
    )
  })

const checksum = (text: string) => createHash('sha256').update(text).digest()

/** Writes records: `tsc1`, head, body and seal with dots between them. */
export async function createSealer(protection: ResolvedProtection): Promise<(head: Head, body: string) => string> {
  if (protection.kind === 'plaintext')
    return (head, body) => {
      const open = `${prefix}.${encode({ ...head, cipher: 'none' })}.${Buffer.from(body).toString('base64url')}`
      return `${open}.${checksum(open).toString('base64url')}`
    }
  const salt = randomBytes(saltBytes)
  const key = protection.kind === 'key' ? protection.key : await stretch(protection.passphrase, salt, cost)
  const how = protection.kind === 'key' ? { cipher } : { cipher, scrypt: [cost, salt.toString('base64url')] }
  return (head, body) => {
    const open = `${prefix}.${encode({ ...head, ...how })}`
    const nonce = randomBytes(nonceBytes)
    const cipheriv = createCipheriv(cipher, key, nonce, { authTagLength: tagBytes }).setAAD(Buffer.from(open))
    const hidden = Buffer.concat([cipheriv.update(body, 'utf8'), cipheriv.final()])
    return `${open}.${hidden.toString('base64url')}.${Buffer.concat([nonce, cipheriv.getAuthTag()]).toString('base64url')}`
  }
}

const encode = (head: Head) => Buffer.from(JSON.stringify(head)).toString('base64url')

const damaged = () => new SavedSessionError('damaged', 'It is not a saved session, or was changed or cut off.')

/** The bytes of a text that encodes them in the only way in which they can be. */
function decode(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.toString('base64url') !== text) throw damaged()
  return bytes
}

function parseObject(text: string): Head {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw damaged()
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw damaged()
  return value as Head
}

/**
 * Reads records. Of one that was changed, nothing is looked at but how it is protected.
 *
 * @returns what throws (rejects) SavedSessionError
 */
export function createOpener(protection: ResolvedProtection): (record: string) => Promise<{ readonly head: Head; readonly body: Head }> {
  const keys = new Map<string, Promise<Buffer>>()
  const keyOf = async (head: Head): Promise<Buffer> => {
    if (protection.kind === 'plaintext') throw new SavedSessionError('key', 'It is encrypted; give the key that it was saved with.')
    if (protection.kind === 'key') {
      if (head['scrypt'] !== undefined)
        throw new SavedSessionError('key', 'It was saved with a passphrase, and a key of 32 bytes was given.')
      return protection.key
    }
    const { scrypt } = head
    if (scrypt === undefined) throw new SavedSessionError('key', 'It was saved with a key of 32 bytes, and a passphrase was given.')
    const [logN, salt] = Array.isArray(scrypt) && scrypt.length === 2 ? (scrypt as unknown[]) : []
    if (!Number.isInteger(logN) || (logN as number) < leastCost || (logN as number) > cost || typeof salt !== 'string') throw damaged()
    const bytes = decode(salt)
    if (bytes.length !== saltBytes) throw damaged()
    const name = `${String(logN)} ${salt}`
    let key = keys.get(name)
    if (key === undefined) {
      if (keys.size === mostKeys)
        throw new SavedSessionError('key', `It is of more than ${mostKeys} dumps with passphrases; load them one by one.`)
      key = stretch(protection.passphrase, bytes, logN as number)
      keys.set(name, key)
    }
    return key
  }
  return async (record) => {
    const version = /^tsc(\d{1,9})\./.exec(record)?.[1]
    if (version === undefined) throw damaged()
    if (version !== '1') throw new SavedSessionError('version', 'It is of another version of tls-session-cache.')
    const [, first, second, third, ...more] = record.split('.')
    if (first === undefined || second === undefined || third === undefined || more.length > 0) throw damaged()
    const head = parseObject(decode(first).toString())
    const hidden = decode(second)
    const seal = decode(third)
    const open = `${prefix}.${first}`
    if (head['cipher'] === 'none') {
      if (!checksum(`${open}.${second}`).equals(seal)) throw damaged()
      // Anybody can write such a record: who has a key does not take it.
      if (protection.kind !== 'plaintext') throw new SavedSessionError('key', 'It is not encrypted, and a key was given.')
      return { head, body: parseObject(hidden.toString()) }
    }
    if (head['cipher'] !== cipher || seal.length !== nonceBytes + tagBytes) throw damaged()
    const key = await keyOf(head)
    const decipher = createDecipheriv(cipher, key, seal.subarray(0, nonceBytes), { authTagLength: tagBytes })
      .setAAD(Buffer.from(open))
      .setAuthTag(seal.subarray(nonceBytes))
    let body: string
    try {
      body = Buffer.concat([decipher.update(hidden), decipher.final()]).toString()
    } catch {
      throw new SavedSessionError('key', 'It was saved with another key, or was changed.')
    }
    return { head, body: parseObject(body) }
  }
}
