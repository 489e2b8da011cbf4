import { core } from './core.ts'
import { guest } from './guest.ts'
import { account } from './account.ts'
import { admin } from './admin.ts'
import type { Translation } from './translation.ts'

export const texts = { ...core, ...guest, ...account, ...admin } as unknown as Translation
