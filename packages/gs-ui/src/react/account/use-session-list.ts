'use client'

import { useEffect, useMemo, useRef, useState } from 'react'
import { accountCalls } from '../../client/account-calls.ts'
import type { GsFailure, GsResult } from '../../client/api-errors.ts'
import type { ListedSession } from '../../client/listed-session.ts'
import { useCalls } from '../toolkit.ts'

type Result = GsResult<readonly ListedSession[]>

interface SessionList {
  /** Null: not known yet. */
  readonly sessions: readonly ListedSession[] | null
  /** Why they could not be asked for last; those that were known stay. */
  readonly failure: GsFailure | null
  readonly load: () => Promise<Result>
  readonly end: (id: string) => Promise<Result>
  readonly endOthers: () => Promise<Result>
}

/**
 * The sessions of the account, as they come and go.
 *
 * @param beforeChange called before others are shown
 */
export function useSessionList(beforeChange: () => void): SessionList {
  const calls = useCalls(accountCalls)
  const [sessions, setSessions] = useState<readonly ListedSession[] | null>(null)
  const [failure, setFailure] = useState<GsFailure | null>(null)
  const noteChange = useRef(beforeChange)

  const list = useMemo(() => {
    const order = { latest: 0 }

    /** An answer that is overtaken by another one must not bring back what that one took away. */
    async function take(asked: Promise<Result>, mine: number): Promise<Result> {
      const result = await asked
      if (mine !== order.latest) return result
      noteChange.current()
      setFailure(result.ok ? null : result.error)
      if (result.ok) setSessions(result.value)
      return result
    }

    /** Ending one may be refused, which says nothing about the others. */
    async function change(asked: Promise<Result>): Promise<Result> {
      const result = await asked
      return result.ok ? take(asked, ++order.latest) : result
    }

    const load = () => take(calls.sessions(), ++order.latest)

    async function end(id: string): Promise<Result> {
      const result = await change(calls.endSession(id))
      // Somebody was faster.
      return !result.ok && result.error.code === 'GS_SESSION_UNKNOWN' ? load() : result
    }
    const forget = () => void order.latest++
    return { load, end, endOthers: () => change(calls.endOtherSessions()), forget }
  }, [calls])

  useEffect(() => {
    void list.load()
    const stop = calls.onSessionsChanged(() => void list.load())
    return () => {
      stop()
      list.forget()
    }
  }, [calls, list])

  return { ...list, sessions, failure }
}
