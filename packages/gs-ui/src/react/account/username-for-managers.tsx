'use client'

import type { ReactNode } from 'react'

/** Without a name it is not sent; it tells password managers whose password this is. */
export function UsernameForManagers({ username }: { readonly username: string }): ReactNode {
  return <input className="gs-hidden" type="text" autoComplete="username" value={username} readOnly tabIndex={-1} aria-hidden="true" />
}
