'use client'

import type { ReactNode } from 'react'
import { Form } from '../parts/form.tsx'
import { useGs } from '../use-gs.ts'

export function LogoutForm({ onLogout }: { readonly onLogout: () => void }): ReactNode {
  const { client } = useGs()
  return <Form path="/logout" label="Log out" look="quiet" submit={client.logout} onDone={onLogout} />
}
