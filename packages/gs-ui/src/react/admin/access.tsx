'use client'

import type { ReactNode } from 'react'
import { admin } from '../../texts/admin.ts'
import { Form, useText } from '../toolkit.ts'
import { Confirm } from './confirm.tsx'
import type { DeedProps } from './deed-props.ts'
import { Section } from './section.tsx'
import { useSaid } from './use-said.ts'

/** Whether the owner of an account gets in. */
export function Access({ calls, account, onDone, onRefused }: DeedProps): ReactNode {
  const say = useText(admin)
  const [said, tell] = useSaid()
  const { id, email, verified, lockedAt, mustChangePassword } = account
  const locked = lockedAt !== null
  const path = `/admin/accounts/${id}`
  return (
    <Section heading={say('admin.access')} said={said}>
      {!verified && email !== null && (
        <div className="gs-deed">
          <p className="gs-hint">{say('admin.verify.how', { email })}</p>
          <Form
            path={`${path}/verify`}
            label={say('admin.verify')}
            look="quiet"
            submit={() => calls.verify(id)}
            onDone={(changed) => {
              onDone(changed)
              tell(say('admin.verified'))
            }}
            onRefused={onRefused}
          />
        </div>
      )}
      <div className="gs-deed">
        <p className="gs-hint">{say('admin.lock.how')}</p>
        <Form
          path={`${path}/${locked ? 'unlock' : 'lock'}`}
          label={say(locked ? 'admin.unlock' : 'admin.lock')}
          look="quiet"
          submit={() => (locked ? calls.unlock(id) : calls.lock(id))}
          onDone={(changed) => {
            onDone(changed)
            tell(say(changed.lockedAt === null ? 'admin.unlocked' : 'admin.locked'))
          }}
          onRefused={onRefused}
        />
      </div>
      {!locked && !mustChangePassword && (
        <div className="gs-deed">
          <p className="gs-hint">{say('admin.must.how')}</p>
          <Form
            path={`${path}/require-password-change`}
            label={say('admin.must')}
            look="quiet"
            submit={() => calls.requirePasswordChange(id)}
            onDone={(changed) => {
              onDone(changed)
              tell(say('admin.must.done'))
            }}
            onRefused={onRefused}
          />
        </div>
      )}
      {email !== null && !locked && (
        <div className="gs-deed">
          <p className="gs-hint">{say('admin.reset.how', { email })}</p>
          {/* When it is done, the next one asks again. */}
          <Confirm key={said} label={say('admin.reset')} text={say('admin.reset.how', { email })}>
            <Form
              path={`${path}/reset-password`}
              label={say('admin.reset.now')}
              look="danger"
              submit={() => calls.resetPassword(id)}
              onDone={({ mailed }) => {
                onDone({ ...account, sessions: 0 })
                tell(say(mailed ? 'admin.reset.done' : 'admin.reset.unsent'))
              }}
              onRefused={onRefused}
            />
          </Confirm>
        </div>
      )}
    </Section>
  )
}
