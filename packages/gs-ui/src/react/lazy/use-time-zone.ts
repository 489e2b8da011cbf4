'use client'

import { useEffect } from 'react'
import type { SessionClient } from '../../client/session-client.ts'
import { isTold } from '../../client/time-zone.ts'

const told = new WeakSet<SessionClient>()

/** Tells the server the time zone of the browser, once, unless it knows. `lwsgs.js` tells nothing, see standalone/. */
export function useTimeZone(client: SessionClient, wanted: boolean): void {
  useEffect(() => {
    if (!wanted || told.has(client)) return undefined
    function tell(): void {
      // Not before the session is known: the answers to both would bring cookies.
      if (told.has(client) || client.getSnapshot().status !== 'ready') return
      told.add(client)
      const { timeZone } = Intl.DateTimeFormat().resolvedOptions()
      if (!isTold(timeZone, document.cookie)) void client.callForNothing('/time-zone', { timeZone })
    }
    const stop = client.subscribe(tell)
    tell()
    return stop
  }, [client, wanted])
}
