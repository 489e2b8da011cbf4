import fastifyCookie from '@fastify/cookie'
import fastifyJwt from '@fastify/jwt'
import Fastify from 'fastify'
import fastifyGsJwt, { databaseDenylist, memoryDenylist } from 'fastify-gs-jwt'
import { denyMany } from './deny-many.ts'
import { aud, cookieName, iss, type ServerSetup } from './jwt-process.ts'

// A server of bench/jwt.ts, in a process of its own, so that it neither waits for those who ask nor shares their processor.

const { kind, jwk, alg, publicKey, denials, denialsFile } = JSON.parse(process.argv[2]!) as ServerSetup
const app = Fastify()

if (kind === 'bare') {
  app.get('/me', () => ({ sub: 'member-4711' }))
} else if (kind.startsWith('@fastify/jwt')) {
  await app.register(fastifyCookie)
  await app.register(fastifyJwt, {
    secret: { public: publicKey },
    cookie: { cookieName: `__Host-${cookieName}`, signed: false },
    verify: { algorithms: ['EdDSA'], allowedIss: iss, allowedAud: aud, cache: kind === '@fastify/jwt, cache' }
  })
  app.get('/me', { onRequest: (request) => request.jwtVerify() }, ({ user }) => ({ sub: (user as { sub: string }).sub }))
} else {
  const denylist = kind.endsWith('in SQLite') ? await databaseDenylist({ sqlite: denialsFile }) : memoryDenylist()
  if (kind.endsWith('in memory')) await denyMany(denylist, denials)
  await app.register(fastifyGsJwt, { keys: { jwk }, alg, iss, aud, cookieName, denylist, ...(kind.endsWith('no cache') && { cache: 0 }) })
  app.get('/me', { onRequest: app.requireJwt({ csrf: kind.endsWith('csrf') }) }, ({ jwt }) => ({ sub: jwt!.sub }))
}

process.on('message', (message) => {
  if (message === 'cpu') {
    const { user, system } = process.cpuUsage()
    process.send!(user + system)
  }
  if (message === 'stop') void app.close().then(() => process.disconnect())
})
process.on('disconnect', () => process.exit(0))
await app.listen({ port: 0, host: '127.0.0.1' })
process.send!((app.server.address() as { port: number }).port)
