import assert from 'node:assert/strict'
import { test } from 'node:test'
import { calculateJwkThumbprint } from 'jose'
import { loadKeys } from './keys/load-keys.ts'
import { signJws } from './sign.ts'
import { cookbookSecret, refusedRfcVectors, rfcVectors } from './testing/rfc-vectors.ts'
import { verifyJws } from './verify.ts'

for (const { name, alg, jwk, token, payload, repeatable } of rfcVectors) {
  test(`${name} verifies`, async () => {
    const keys = await loadKeys({ jwk, alg }, { alg })
    const result = await verifyJws(token, { keys })
    assert.ok(result.ok)
    assert.equal(Buffer.from(result.payload).toString(), payload)
    assert.equal(result.header.alg, alg)
    // One bit of what was signed, and of the signature.
    const [header, content, signature] = token.split('.') as [string, string, string]
    for (const changed of [`${header}.${flipped(content)}.${signature}`, `${header}.${content}.${flipped(signature)}`]) {
      assert.deepEqual(await verifyJws(changed, { keys }), { ok: false, reason: 'signature' })
    }
  })

  if (repeatable) {
    test(`${name} is what signing gives`, async () => {
      const keys = await loadKeys({ jwk, alg }, { alg })
      assert.equal(await signJws(Buffer.from(payload), { keys }), token)
    })
  }
}

for (const { name, token } of refusedRfcVectors) {
  test(`${name} is refused`, async () => {
    const keys = await loadKeys({ jwk: cookbookSecret }, { alg: 'HS256' })
    assert.deepEqual(await verifyJws(token, { keys }), { ok: false, reason: 'malformed' })
  })
}

test('RFC 8037, A.3: the kid of a key without one is its thumbprint', async () => {
  const { jwk } = rfcVectors.find(({ alg }) => alg === 'EdDSA')!
  const keys = await loadKeys({ jwk }, { alg: 'EdDSA' })
  assert.equal(keys.signing(0)?.kid, 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k')
  assert.equal(await calculateJwkThumbprint(jwk), keys.signing(0)?.kid)
})

/** Another first byte, in the same spelling. */
function flipped(segment: string): string {
  const bytes = Buffer.from(segment, 'base64url')
  bytes[0]! ^= 1
  return bytes.toString('base64url')
}
