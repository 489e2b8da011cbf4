import type { FastifyBaseLogger } from 'fastify'
import type { JwtCookie } from './cookie/jwt-cookie.ts'
import type { Denylist } from './denylist/denylist.ts'
import type { IssueClock } from './issue-clock.ts'
import type { KeyRing } from './keys/key-ring.ts'
import type { ResolvedOptions } from './options.ts'
import type { Signer } from './sign.ts'
import type { Verifier } from './verify.ts'

/** What the parts of the plugin share. */
export interface Services {
  readonly options: ResolvedOptions
  readonly keys: KeyRing
  readonly verify: Verifier
  readonly sign: Signer
  readonly clock: IssueClock
  readonly denylist: Denylist
  readonly cookie: JwtCookie
  readonly log: FastifyBaseLogger
}
