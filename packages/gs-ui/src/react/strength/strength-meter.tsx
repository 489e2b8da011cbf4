'use client'

import { useEffect, useState, type ReactNode } from 'react'
import { estimate, type Strength } from '../../strength/strength.ts'
import { strength } from '../../texts/strength.ts'
import { useSession, useText } from '../toolkit.ts'
import { whenIdle } from './when-idle.ts'

interface StrengthMeterProps {
  /** Not empty. */
  readonly password: string
  /** Where name and address may be typed, which must not be in the password; null: not known. */
  readonly form: HTMLFormElement | null
}

/** Milliseconds without a key after which it looks: a screen reader is not interrupted at each of them. */
const pause = 400

/** How strong a password is, why, and how to do better. It only advises; the server decides. */
export function StrengthMeter({ password, form }: StrengthMeterProps): ReactNode {
  const say = useText(strength)
  const { session } = useSession()
  const [found, setFound] = useState<Strength | null>(null)
  const username = session?.username ?? ''
  const email = session?.email ?? ''

  useEffect(() => {
    const typed = (name: string) => form?.querySelector<HTMLInputElement>(`[autocomplete="${name}"]`)?.value
    return whenIdle(pause, () => {
      const context = { username: typed('username') ?? username, email: typed('email') ?? email, site: location.hostname }
      setFound(estimate(password, context))
    })
  }, [password, form, username, email])

  if (found === null) return null
  const { score, warning, suggestions } = found
  const word = say(`strength.${score}`)
  return (
    <span className="gs-strength" data-score={score}>
      <span className="gs-strength-line">
        <meter
          className="gs-meter"
          min={0}
          max={5}
          low={2.5}
          high={3.5}
          optimum={5}
          value={score + 1}
          aria-label={say('strength.label')}
          aria-valuetext={word}
        />
        <span className="gs-strength-word">{word}</span>
      </span>
      {warning !== null && <span>{say(`strength.warning.${warning}`)}</span>}
      {/* More than two are not read. */}
      {suggestions.slice(0, 2).map((suggestion) => (
        <span key={suggestion}>{say(`strength.suggestion.${suggestion}`)}</span>
      ))}
    </span>
  )
}
