'use client'

import { useEffect, useRef, type ReactNode } from 'react'
import { isSameName } from '../../client/user-name.ts'
import { admin } from '../../texts/admin.ts'
import { Form, TextField, useText } from '../toolkit.ts'
import { Confirm } from './confirm.tsx'
import type { DeedProps } from './deed-props.ts'
import { Section } from './section.tsx'

interface DeleteAccountProps extends Omit<DeedProps, 'onDone'> {
  readonly onDeleted: () => void
}

export function DeleteAccount(props: DeleteAccountProps): ReactNode {
  const say = useText(admin)
  return (
    <Section heading={say('admin.delete')} said={null}>
      <div className="gs-deed">
        <p className="gs-hint">{say('admin.delete.how')}</p>
        <Confirm label={say('admin.delete')} text={say('admin.delete.how')}>
          <Confirmation {...props} />
        </Confirm>
      </div>
    </Section>
  )
}

function Confirmation({ calls, account, onDeleted, onRefused }: DeleteAccountProps): ReactNode {
  const say = useText(admin)
  const place = useRef<HTMLDivElement>(null)
  const { id, username } = account
  // What was typed for it an hour ago must not count.
  useEffect(() => {
    const field = place.current?.querySelector('input')
    if (field) field.value = ''
  }, [])
  return (
    <div ref={place}>
      <Form
        path={`/admin/accounts/${id}/delete`}
        label={say('admin.delete.now')}
        look="danger"
        required={{ confirmation: say('admin.delete.missing') }}
        check={(read) => (isSameName(read('confirmation'), username) ? {} : { confirmation: say('admin.delete.wrong', { username }) })}
        submit={() => calls.deleteAccount(id)}
        onDone={onDeleted}
        onRefused={onRefused}
      >
        <TextField
          name="confirmation"
          label={say('admin.delete.confirm', { username })}
          autoComplete="off"
          data-1p-ignore=""
          data-lpignore="true"
          data-bwignore=""
        />
      </Form>
    </div>
  )
}
