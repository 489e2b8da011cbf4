import type { GsFailure, GsResult } from './api-errors.ts'

/** What is known about a user name that is being typed. */
export type NameCheckState =
  | { readonly state: 'unknown' }
  | { readonly state: 'available' }
  | { readonly state: 'taken' }
  | { readonly state: 'invalid'; readonly failure: GsFailure }

/** Options of `createNameCheck`. */
export interface NameCheckOptions {
  /** Asks the server. */
  readonly ask: (username: string, options: { readonly signal: AbortSignal }) => Promise<GsResult<{ readonly available: boolean }>>
  /** Told whenever the state changes. */
  readonly onChange: (state: NameCheckState) => void
  /** How long typing must rest before the server is asked, in ms (default: 300). */
  readonly delay?: number
}

/** Asks whether a name is free while it is being typed: once typing rests, and never showing the answer to an older question. */
export interface NameCheck {
  /** The field now has this content. */
  readonly update: (username: string) => void
  /** Stops asking. */
  readonly dispose: () => void
}

/** Makes a `NameCheck`. */
export function createNameCheck({ ask, onChange, delay = 300 }: NameCheckOptions): NameCheck {
  let timer: ReturnType<typeof setTimeout> | undefined
  let question: AbortController | undefined

  function forget(): void {
    clearTimeout(timer)
    question?.abort()
    question = undefined
  }

  async function send(username: string): Promise<void> {
    const mine = new AbortController()
    question = mine
    const result = await ask(username, { signal: mine.signal })
    if (question === mine) onChange(stateOf(result))
  }

  return {
    update: (username) => {
      forget()
      onChange({ state: 'unknown' })
      if (username.trim() !== '') timer = setTimeout(() => void send(username), delay)
    },
    dispose: forget
  }
}

/** A failing check says nothing: signing up does not depend on it. */
function stateOf(result: GsResult<{ readonly available: boolean }>): NameCheckState {
  if (result.ok) return { state: result.value.available ? 'available' : 'taken' }
  return result.error.code === 'GS_USERNAME_INVALID' ? { state: 'invalid', failure: result.error } : { state: 'unknown' }
}
