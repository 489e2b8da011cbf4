'use client'

import { useEffect, useMemo, useRef, type ReactNode } from 'react'
import type { AdminSession, AdminSessionList } from '../../client/admin-types.ts'
import { admin } from '../../texts/admin.ts'
import { deviceOf } from '../account/device.ts'
import { Form, useText } from '../toolkit.ts'
import type { Say } from '../use-text.tsx'
import type { DeedProps } from './deed-props.ts'
import { Fact } from './fact.tsx'
import { ListFoot } from './list-foot.tsx'
import { Moment } from './moment.tsx'
import { Named } from './named.tsx'
import { Section } from './section.tsx'
import { usePaged } from './use-paged.ts'
import { useSaid } from './use-said.ts'

const sessionsOf = ({ sessions }: AdminSessionList) => sessions

/** The server tells an admin nothing of the sessions of others by itself: while somebody looks, it is asked so often, ms. */
const refreshInterval = 5000

/** What is known of a browser; it is what somebody claims. */
function deviceText(userAgent: string, say: Say<keyof typeof admin>): string {
  const { browser, system } = deviceOf(userAgent)
  if (browser !== null && system !== null) return say('admin.session.device', { browser, system })
  return browser ?? system ?? say('admin.session.unknown')
}

interface AccountSessionsProps extends DeedProps {
  /** How often the account was changed here. */
  readonly changes: number
}

/** Where the owner of an account is logged in. */
export function AccountSessions({ calls, account, onDone, onRefused, changes }: AccountSessionsProps): ReactNode {
  const say = useText(admin)
  const [said, tell] = useSaid()
  const rows = useRef<HTMLUListElement>(null)
  const { id, changeable } = account
  const load = useMemo(() => (after: string | null) => calls.sessions({ account: id, ...(after !== null && { after }) }), [calls, id])
  const list = usePaged(load, sessionsOf)
  const { entries, reload, refresh } = list

  const noteGone = useRef<(sessions: readonly AdminSession[]) => void>(null)
  useEffect(() => {
    noteGone.current = (sessions) => {
      const held = rows.current?.querySelector<HTMLElement>('[data-entry]:focus-within')?.dataset['entry']
      if (held !== undefined && !sessions.some((session) => session.id === held)) tell(say('admin.session.over'))
    }
  })
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') void refresh((sessions) => noteGone.current?.(sessions))
    }, refreshInterval)
    return () => clearInterval(timer)
  }, [refresh])

  useEffect(() => {
    if (changes > 0) reload()
  }, [changes, reload])

  function remove(session: string, text: string): void {
    list.change((sessions) => sessions.filter((other) => other.id !== session))
    onDone({ ...account, sessions: Math.max(0, account.sessions - 1) })
    tell(text)
  }

  return (
    <Section heading={say('admin.sessions')} said={said}>
      {entries?.length === 0 && <p className="gs-hint">{say('admin.sessions.none')}</p>}
      <ul ref={rows} className="gs-rows" aria-busy={list.busy}>
        {entries?.map((session) => {
          const device = deviceText(session.userAgent, say)
          return (
            <li key={session.id} data-entry={session.id} tabIndex={-1}>
              <div>
                <p className="gs-device">{device}</p>
                <p className="gs-hint">
                  <bdi>{session.userAgent}</bdi>
                </p>
                {session.current && (
                  <p className="gs-marks">
                    <span className="gs-mark" data-mark="own">
                      {say('admin.session.this')}
                    </span>
                  </p>
                )}
                <dl className="gs-facts">
                  <Fact name={say('admin.session.ip')}>{session.ip}</Fact>
                  <Fact name={say('admin.session.active')}>
                    <Moment at={session.lastActiveAt} />
                  </Fact>
                  <Fact name={say('admin.session.since')}>
                    <Moment at={session.createdAt} />
                  </Fact>
                  <Fact name={say('admin.session.pages')}>{session.pages || null}</Fact>
                  <Fact name={say('admin.session.sockets')}>{session.sockets || null}</Fact>
                </dl>
              </div>
              {changeable && (
                <Form
                  path={`/admin/sessions/${session.id}/end`}
                  label={<Named shown={say('admin.session.end')} name={say('admin.session.end.which', { device, ip: session.ip })} />}
                  look="quiet"
                  submit={() => calls.endSession(session.id)}
                  onDone={() => remove(session.id, say('admin.session.ended'))}
                  onRefused={(failure) => {
                    if (failure.code === 'GS_SESSION_UNKNOWN') remove(session.id, say('admin.session.over'))
                    else onRefused(failure)
                  }}
                />
              )}
            </li>
          )
        })}
      </ul>
      <ListFoot list={list} place={rows} />
      {changeable && entries !== null && entries.length > 0 && (
        <Form
          path={`/admin/accounts/${id}/end-sessions`}
          label={say('admin.sessions.end')}
          look="quiet"
          submit={() => calls.endSessionsOf(id)}
          onDone={(count) => {
            list.change(() => [])
            onDone({ ...account, sessions: 0 })
            tell(say('admin.sessions.ended', { count }))
          }}
          onRefused={onRefused}
        />
      )}
    </Section>
  )
}
