import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { signJwt, verifyJwt, type Ext, type KeyRing, type RequestJwt, type VerifiedJwt } from 'fastify-gs-jwt'

/* What an application says about its `ext`, the compiler knows everywhere. In a project of its own: it counts for all that is compiled with it. */

declare module 'fastify-gs-jwt' {
  interface JwtExt {
    role: 'editor' | 'reader'
    shop?: number
  }
}

type Equals<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false

export const ext: Equals<Ext, { readonly role: 'editor' | 'reader'; readonly shop?: number }> = true
export const ofRequests: Equals<RequestJwt['ext'], Ext> = true
export const ofClaims: Equals<VerifiedJwt['claims']['ext'], Ext | undefined> = true

export async function signs(app: FastifyInstance, reply: FastifyReply, keys: KeyRing): Promise<void> {
  const options = { keys, iss: 'https://example.com', aud: 'https://example.com' }
  await app.jwtCookie.set(reply, { sub: 'ann', ext: { role: 'editor', shop: 1 } })
  await signJwt({ sub: 'ann', ext: { role: 'reader' } }, options)
  // @ts-expect-error there is no such role
  await app.jwtCookie.set(reply, { sub: 'ann', ext: { role: 'admin' } })
  // @ts-expect-error the role is missing
  await signJwt({ sub: 'ann', ext: {} }, options)
  // @ts-expect-error a token is about somebody
  await signJwt({ ext: { role: 'reader' } }, options)
}

export function reads({ jwt }: FastifyRequest): 'editor' | 'reader' | undefined {
  // @ts-expect-error nobody may be logged in
  jwt.sub.trim()
  // @ts-expect-error nobody changes what has been signed
  if (jwt !== null) jwt.ext.role = 'editor'
  return jwt?.ext.role
}

export async function verifies(token: string, keys: KeyRing): Promise<string> {
  const result = await verifyJwt(token, { keys, iss: 'https://example.com', aud: 'https://example.com' })
  // @ts-expect-error a result is a token or a reason
  const early: unknown = result.jwt
  if (!result.ok) return `${result.reason} ${String(early)}`
  // @ts-expect-error there is no reason for a token that is accepted
  return `${result.jwt.claims.iss} ${String(result.reason)}`
}
