'use client'

import type { ReactNode } from 'react'
import type { GsFailure } from '../../client/api-errors.ts'
import { Form } from '../parts/form.tsx'
import { Panel } from '../parts/panel.tsx'
import { useGs } from '../use-gs.ts'

/** Nothing is known about the session, because the first question failed. */
export function Unreachable({ error }: { readonly error: GsFailure }): ReactNode {
  const { client } = useGs()
  return (
    <Panel heading="Log in">
      <p role="alert" className="gs-failure">
        {error.message}
      </p>
      <Form path="/session" label="Try again" look="quiet" submit={client.refresh} />
    </Panel>
  )
}
