'use client'

import type { ReactNode } from 'react'
import type { GsFailure } from '../../client/api-errors.ts'
import { Form } from '../parts/form.tsx'
import { Panel } from '../parts/panel.tsx'
import { useSession } from '../use-gs.ts'
import { useCoreText, useFailureText } from '../use-text.tsx'

/** Nothing is known about the session, because the first question failed. */
export function Unreachable({ error }: { readonly error: GsFailure }): ReactNode {
  const { client } = useSession()
  const say = useCoreText()
  const failureText = useFailureText()
  return (
    <Panel heading={say('login.title')}>
      <p role="alert" className="gs-failure">
        {failureText(error)}
      </p>
      <Form path="/session" label={say('try.again')} look="quiet" submit={client.refresh} />
    </Panel>
  )
}
