'use client'

import { useEffect, useState, type ReactNode } from 'react'
import { account } from '../../texts/account.ts'
import { Form, Panel, useCoreText, useFailureText, useText } from '../toolkit.ts'
import { BackLink } from './back-link.tsx'
import { deviceOf } from './device.ts'
import { SessionEntry } from './session-entry.tsx'
import { useKeptPlace } from './use-kept-place.ts'
import { useSessionList } from './use-session-list.ts'

interface SessionsProps {
  readonly onNotice: (notice: 'ended' | 'endedothers') => void
  readonly onBack: (() => void) | undefined
}

/** Where somebody is logged in. */
export function Sessions({ onNotice, onBack }: SessionsProps): ReactNode {
  const core = useCoreText()
  const say = useText(account)
  const failureText = useFailureText()
  const { place, note } = useKeptPlace()
  const { sessions, failure, load, end, endOthers } = useSessionList(note)
  const now = useNow()

  function nameOf(userAgent: string): string {
    const { browser, system } = deviceOf(userAgent)
    const name = browser ?? say('sessions.device.unknown')
    return system === null ? name : say('sessions.device', { browser: name, system })
  }

  const entries = sessions?.map((session) => ({ session, device: nameOf(session.userAgent) })) ?? []
  const isDoubled = (one: (typeof entries)[number]) =>
    entries.some((other) => other !== one && !other.session.current && other.device === one.device && other.session.ip === one.session.ip)

  return (
    <Panel heading={say('sessions.title')}>
      <p>{say('sessions.text')}</p>
      <div ref={place} className="gs-stack">
        {sessions === null && failure === null && <p className="gs-loading">{core('loading')}</p>}
        {sessions === null && failure !== null && (
          <>
            <p role="alert" className="gs-failure">
              {failureText(failure)}
            </p>
            <button type="button" className="gs-button" data-look="quiet" onClick={() => void load()}>
              {core('try.again')}
            </button>
          </>
        )}
        {sessions !== null && (
          <ul className="gs-sessions" aria-label={say('sessions.list')}>
            {entries.map((entry) => (
              <SessionEntry
                key={entry.session.id}
                session={entry.session}
                device={entry.device}
                doubled={isDoubled(entry)}
                now={now}
                end={() => end(entry.session.id)}
                onEnded={() => onNotice('ended')}
              />
            ))}
          </ul>
        )}
        {entries.some(({ session }) => !session.current) ? (
          <Form
            path="/sessions/end-others"
            label={say('sessions.end.others')}
            look="danger-quiet"
            submit={endOthers}
            onDone={() => onNotice('endedothers')}
          />
        ) : (
          sessions !== null && <p className="gs-hint">{say('sessions.alone')}</p>
        )}
      </div>
      <BackLink onBack={onBack} />
    </Panel>
  )
}

/** The time, for what says how long ago something was; ms since 1970. */
function useNow(): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 20_000)
    return () => clearInterval(timer)
  }, [])
  return now
}
