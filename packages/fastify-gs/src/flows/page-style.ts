import type { FastifyInstance } from 'fastify'
import { pageStylePath } from '../page.ts'

// A page may hold the widget, which brings its own style: rules for elements leave what is in it alone.
const style = `:root { color-scheme: light dark; --text: #1c1f26; --soft: #5b6472; --paper: #f5f6f8; --card: #ffffff; --line: #d9dde4; --accent: #2457d6; --on-accent: #ffffff }
@media (prefers-color-scheme: dark) {
  :root { --text: #e8eaf0; --soft: #a3acbb; --paper: #14161b; --card: #1d2027; --line: #343944; --accent: #8fb0ff; --on-accent: #10131a }
}
* { box-sizing: border-box }
body { margin: 0; padding: 2rem 1rem; background: var(--paper); color: var(--text); font: 1rem/1.6 system-ui, sans-serif }
main { max-width: 30rem; margin: 8vh auto 0; padding: 2rem clamp(1.25rem, 5vw, 2.5rem); background: var(--card); border: 1px solid var(--line); border-radius: 14px; overflow-wrap: anywhere }
main:has(#lwsgs:not(:empty)) { padding: 0; background: none; border: 0 }
h1:not(#lwsgs *) { margin: 0 0 .75rem; font-size: 1.5rem; line-height: 1.25 }
.site { margin: 0 0 1rem; color: var(--soft); font-size: .9rem }
button:not(#lwsgs *) { font: inherit; font-weight: 600; padding: .65rem 1.25rem; border: 0; border-radius: 9px; background: var(--accent); color: var(--on-accent); cursor: pointer }
button:focus-visible, a:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px }
a { color: var(--accent) }
h2:not(#lwsgs *) { margin: 0 0 .5rem; font-size: 1.15rem }
form:has(h2):not(#lwsgs *) { margin-top: 1.5rem; padding-top: 1.5rem; border-top: 1px solid var(--line) }
label:not(#lwsgs *) { display: block; margin: 0 0 1rem }
input:not(#lwsgs *) { display: block; width: 100%; margin-top: .25rem; padding: .6rem .75rem; font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--soft); border-radius: 9px }
input:focus-visible { outline: 3px solid var(--accent); outline-offset: 1px }
[role=status] { margin: 0 0 1rem; padding: .75rem 1rem; background: var(--paper); border-radius: 9px }
`

/** The style sheet of the pages that need no script. */
export function pageStyle(app: FastifyInstance): void {
  app.get(pageStylePath, (_request, reply) =>
    reply.header('cache-control', 'public, max-age=3600').type('text/css; charset=utf-8').send(style)
  )
}
