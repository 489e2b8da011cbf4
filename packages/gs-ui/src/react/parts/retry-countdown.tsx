'use client'

import { useEffect, useState, type ReactNode } from 'react'
import { useCoreText } from '../use-text.tsx'

/** Seconds as people read them: 0:30, 1:05, 24:00:00. */
function clock(seconds: number): string {
  const above = Math.floor(seconds / 60)
  return `${above < 60 ? above : clock(above)}:${String(seconds % 60).padStart(2, '0')}`
}

/** Counts down until a new attempt makes sense. It stands outside the alert, so that a screen reader does not hear every second. */
export function RetryCountdown({ seconds }: { readonly seconds: number }): ReactNode {
  const say = useCoreText()
  const [left, setLeft] = useState(seconds)
  useEffect(() => {
    const end = Date.now() + seconds * 1000
    const timer = setInterval(() => setLeft(Math.max(0, Math.ceil((end - Date.now()) / 1000))), 1000)
    return () => clearInterval(timer)
  }, [seconds])
  if (left === 0) return <p>{say('try.now')}</p>
  return <p role="timer">{say('try.in', { time: clock(left) })}</p>
}
