'use client'

import { useContext, type ReactNode } from 'react'
import type { GsResult } from '../../client/api-errors.ts'
import type { ListedSession } from '../../client/listed-session.ts'
import { account } from '../../texts/account.ts'
import { Form, TextsContext, useText } from '../toolkit.ts'
import { localeOf } from '../parts/locale-of.ts'
import { relativeTime } from './relative-time.ts'

interface SessionEntryProps<T> {
  readonly session: ListedSession
  /** Browser and system. */
  readonly device: string
  /** Another entry has the same device and address. */
  readonly doubled: boolean
  /** ms since 1970 */
  readonly now: number
  readonly end: () => Promise<GsResult<T>>
  readonly onEnded: () => void
}

/** One session in the list. */
export function SessionEntry<T>({ session, device, doubled, now, end, onEnded }: SessionEntryProps<T>): ReactNode {
  const { language } = useContext(TextsContext)
  const say = useText(account)
  const { id, current, createdAt, lastActiveAt, ip, pages, sockets } = session

  const ago = (at: number) => relativeTime(at, now, language)
  const which = say('sessions.end.which', { device, ip })
  const name = doubled ? `${which}, ${say('sessions.active', { time: ago(lastActiveAt) })}` : which

  return (
    <li className="gs-session" data-state={current ? 'current' : 'other'} tabIndex={-1}>
      <div className="gs-session-facts">
        <p className="gs-session-device">
          {device}
          {current && (
            <span className="gs-mark" data-mark="current">
              {say('sessions.this')}
            </span>
          )}
        </p>
        <p>
          <Ago text={say('sessions.active')} at={lastActiveAt} ago={ago(lastActiveAt)} />{' '}
          <span className="gs-session-place">{say('sessions.from', { ip })}</span>
        </p>
        <p>
          <Ago text={say('sessions.since')} at={createdAt} ago={ago(createdAt)} />
          {pages > 0 && <> · {pages === 1 ? say('sessions.open.one') : say('sessions.open.many', { count: pages })}</>}
          {sockets > 0 && <> · {sockets === 1 ? say('sessions.sockets.one') : say('sessions.sockets.many', { count: sockets })}</>}
        </p>
      </div>
      {!current && (
        <Form
          path="/sessions/end"
          label={
            <>
              <span aria-hidden="true">{say('sessions.end')}</span>
              <span className="gs-hidden">{name}</span>
            </>
          }
          look="quiet"
          submit={end}
          onDone={onEnded}
        >
          <input type="hidden" name="id" value={id} />
        </Form>
      )}
    </li>
  )
}

/** A text with a time in it. */
function Ago({ text, at, ago }: { readonly text: string; readonly at: number; readonly ago: string }): ReactNode {
  const { language } = useContext(TextsContext)
  const date = new Date(at)
  const [before, after] = text.split('{time}')
  return (
    <>
      {before}
      <time dateTime={date.toISOString()} title={date.toLocaleString(localeOf(language), { dateStyle: 'medium', timeStyle: 'short' })}>
        {ago}
      </time>
      {after}
    </>
  )
}
