'use client'

import { useId, useMemo, useRef, useState, type ReactNode } from 'react'
import type { GsAdmin } from '../../client/admin-calls.ts'
import type { AdminMail, AdminMailList } from '../../client/admin-types.ts'
import { admin } from '../../texts/admin.ts'
import { Form, useText } from '../toolkit.ts'
import { Confirm } from './confirm.tsx'
import { Fact } from './fact.tsx'
import { ListFoot } from './list-foot.tsx'
import { mailName } from './mail-name.ts'
import { Moment } from './moment.tsx'
import { Named } from './named.tsx'
import { Page } from './page.tsx'
import { usePaged } from './use-paged.ts'
import { useSaid } from './use-said.ts'

const mailsOf = ({ mails }: AdminMailList) => mails

const states = ['waiting', 'dead', 'sent'] as const

/** The queue of mails: what waits, what was given up, what was sent. */
export function Mail({ calls }: { readonly calls: GsAdmin }): ReactNode {
  const say = useText(admin)
  const fieldId = useId()
  const [said, tell] = useSaid()
  const [state, setState] = useState<AdminMail['state'] | null>('waiting')
  const rows = useRef<HTMLUListElement>(null)
  const load = useMemo(
    () => (after: string | null) => calls.mail({ ...(state !== null && { state }), ...(after !== null && { after }) }),
    [calls, state]
  )
  const list = usePaged(load, mailsOf)
  const { entries, page, busy } = list
  const count = entries?.length ?? 0
  const found = entries && say(count === 0 ? 'admin.mail.none' : page?.next == null ? 'admin.found' : 'admin.found.part', { count })

  function choose(value: string): void {
    setState(states.find((known) => known === value) ?? null)
    tell(null)
  }

  /** Under way: it is sent while the list is loaded, so it stands there until it has gone. */
  function done(text: string): void {
    tell(text)
    list.reload()
  }

  function remove(id: string, text: string): void {
    list.change((mails) => mails.filter((other) => other.id !== id))
    tell(text)
  }

  function actions({ id, kind, recipient, state: mailState }: AdminMail): ReactNode {
    if (mailState === 'sent') return null
    const values = { kind: mailName(kind, say), recipient }
    const onRefused = ({ code }: { code: string }) => {
      if (code === 'GS_MAIL_UNKNOWN') remove(id, say('admin.mail.gone'))
    }
    return (
      <div className="gs-row-actions">
        <Form
          path={`/admin/mail/${id}/retry`}
          label={<Named shown={say('admin.mail.retry')} name={say('admin.mail.retry.which', values)} />}
          look="quiet"
          submit={() => calls.retryMail(id)}
          onDone={() => done(say('admin.mail.retried'))}
          onRefused={onRefused}
        />
        <Confirm label={say('admin.mail.drop')} name={say('admin.mail.drop.which', values)} text={say('admin.mail.drop.how')}>
          <Form
            path={`/admin/mail/${id}/drop`}
            label={say('admin.mail.drop.now')}
            look="danger"
            submit={() => calls.dropMail(id)}
            onDone={() => remove(id, say('admin.mail.dropped'))}
            onRefused={onRefused}
          />
        </Confirm>
      </div>
    )
  }

  return (
    <Page heading={say('admin.mail')} said={said} found={found}>
      <div className="gs-filter">
        <div className="gs-field">
          <label className="gs-label" htmlFor={fieldId}>
            {say('admin.state')}
          </label>
          <select id={fieldId} className="gs-input" value={state ?? ''} onChange={({ currentTarget }) => choose(currentTarget.value)}>
            {states.map((known) => (
              <option key={known} value={known}>
                {say(`admin.mail.${known}`)}
              </option>
            ))}
            <option value="">{say('admin.state.all')}</option>
          </select>
        </div>
      </div>
      <ul ref={rows} className="gs-rows" aria-busy={busy}>
        {entries?.map((mail) => (
          <li key={mail.id} data-entry={mail.id} tabIndex={-1}>
            <div>
              <p className="gs-row-name">
                <strong>{mailName(mail.kind, say)}</strong>{' '}
                <span className="gs-mark" data-mark={mail.state}>
                  {say(`admin.mail.${mail.state}`)}
                </span>
              </p>
              <dl className="gs-facts">
                <Fact name={say('admin.mail.recipient')}>{mail.recipient}</Fact>
                <Fact name={say('admin.mail.queued')}>
                  <Moment at={mail.createdAt} />
                </Fact>
                <Fact name={say('admin.mail.attempts')}>{mail.attempts}</Fact>
                <Fact name={say('admin.mail.next')}>{mail.nextAttemptAt && <Moment at={mail.nextAttemptAt} />}</Fact>
                <Fact name={say('admin.mail.error')}>{mail.lastError}</Fact>
              </dl>
            </div>
            {actions(mail)}
          </li>
        ))}
      </ul>
      <ListFoot list={list} place={rows} />
    </Page>
  )
}
