import type { ReactNode } from 'react'

/** What visitors see who are not logged in. */
export function Intro(): ReactNode {
  return (
    <section className="intro">
      <h2>One board, live on every screen</h2>
      <p className="lead">
        What somebody writes here appears at once for everybody who has the page open. Reading and writing is for members.
      </p>
      <ol className="steps">
        <li>
          <strong>Sign up</strong> with a user name, an e-mail address and a password.
        </li>
        <li>
          <strong>Open the link</strong> in the mail that follows. It verifies your address.
        </li>
        <li>
          <strong>Write</strong> something, and see it arrive everywhere at once.
        </li>
      </ol>
    </section>
  )
}
