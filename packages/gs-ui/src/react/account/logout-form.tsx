'use client'

import type { ReactNode } from 'react'
import { account } from '../../texts/account.ts'
import { Form, useSession, useText } from '../toolkit.ts'

export function LogoutForm({ onLogout }: { readonly onLogout: () => void }): ReactNode {
  const { client } = useSession()
  const say = useText(account)
  return <Form path="/logout" label={say('logout')} look="quiet" submit={client.logout} onDone={onLogout} />
}
