'use client'

import { useEffect, useState, type ReactNode } from 'react'
import { useCoreText } from '../use-text.tsx'

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
  return <p role="timer">{say('try.in', { time: `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}` })}</p>
}
