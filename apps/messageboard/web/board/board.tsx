import { useEffect, useRef, type ReactNode } from 'react'
import { useGs, type UseGs } from 'gs-ui'
import { forgetWhoLeft } from './draft.ts'
import { Intro } from './intro.tsx'
import { LiveBoard } from './live-board.tsx'

/** The page for whoever is looking at it. */
export function Board(): ReactNode {
  const gs = useGs()
  useForgetAtLogout(gs)
  const { status, session } = gs
  if (status === 'loading') {
    return (
      <p className="loading" aria-busy="true">
        Loading …
      </p>
    )
  }
  if (session === null) return null
  if (session.username === null) return <Intro />
  if (session.mustChangePassword) {
    return (
      <section className="card">
        <h2>One step left</h2>
        <p>Choose a new password; then the board is open to you again.</p>
      </section>
    )
  }
  if (!session.verified) {
    return (
      <section className="card">
        <h2>One step left</h2>
        <p>Verify your e-mail address to read and write: open the link in the mail that we sent you.</p>
      </section>
    )
  }
  return <LiveBoard key={session.username} username={session.username} mask={session.mask} />
}

function useForgetAtLogout(gs: UseGs): void {
  const present = useRef<string | null>(null)
  useEffect(() => {
    if (gs.status !== 'ready') return
    const { username } = gs.session
    if (username === null && present.current !== null) forgetWhoLeft(present.current, gs.ended)
    present.current = username
  }, [gs])
}
