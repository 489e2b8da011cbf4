import type { FastifyInstance } from 'fastify'
import { pageStylePath } from '../page.ts'

/*
 * The look of the pages that need no script: that of the widget (gs-ui.css), by the same --gs-… properties. A page may hold the widget,
 * which brings its own style: rules for elements leave what is in it alone, and :where keeps them weak.
 */
const dark = `color-scheme: dark; --_paper: #14161b; --_background: var(--gs-background, #1d2027); --_field: var(--gs-field, #14161b); --_text: var(--gs-text, #e7e9ee); --_muted: var(--gs-muted, #a3abb9); --_border: var(--gs-border, #343944); --_outline: var(--gs-outline, #767f8f); --_accent: var(--gs-accent, #8fb0ff); --_on-accent: var(--gs-on-accent, #10131a); --_danger: var(--gs-danger, #ffb4ab); --_on-danger: var(--gs-on-danger, #4a0a06); --_success: var(--gs-success, #86d9a5); --_tint: 14%; --_avatar-text: #10131a; --_avatar-light: 72%`

const style = `:root { color-scheme: light; --_paper: #f5f6f8; --_background: var(--gs-background, #ffffff); --_field: var(--gs-field, #ffffff); --_text: var(--gs-text, #1d2129); --_muted: var(--gs-muted, #5b6472); --_border: var(--gs-border, #d9dde4); --_outline: var(--gs-outline, #868f9e); --_accent: var(--gs-accent, #2457d6); --_on-accent: var(--gs-on-accent, #ffffff); --_danger: var(--gs-danger, #b3261e); --_on-danger: var(--gs-on-danger, #ffffff); --_success: var(--gs-success, #1b6e3c); --_radius: var(--gs-radius, .5rem); --_tint: 9%; --_avatar-text: #ffffff; --_avatar-light: 34% }
@media (prefers-color-scheme: dark) { :root { ${dark} } }
* { box-sizing: border-box }
body { margin: 0; padding: 1.5rem .75rem; background: var(--_paper); color: var(--_text); font: 1rem/1.5 var(--gs-font, system-ui, sans-serif) }
main { max-width: 30rem; margin: 5vh auto 0; padding: 1.75rem clamp(1.25rem, 5vw, 2.25rem); background: var(--_background); border: 1px solid var(--_border); border-radius: calc(var(--_radius) * 1.5); overflow-wrap: anywhere }
main.wide { max-width: 46rem; margin-block-start: 0 }
main:has(#lwsgs:not(:empty)) { padding: 0; background: none; border: 0 }
.site { margin: 0 0 .75rem; color: var(--_muted); font-size: .9rem }
h1:where(:not(#lwsgs *)) { margin: 0 0 1.25rem; font-size: 1.5rem; font-weight: 650; line-height: 1.25; letter-spacing: -.01em }
h2:where(:not(#lwsgs *)) { margin: 0 0 1rem; font-size: 1.15rem; font-weight: 650; line-height: 1.3 }
section:where(:not(#lwsgs *)) { margin-block-start: 1.75rem; padding-block-start: 1.5rem; border-block-start: 1px solid var(--_border) }
form:where(:not(#lwsgs *)) { margin: 0 0 1rem }
a:where(:not(#lwsgs *)) { color: var(--_accent); text-underline-offset: .2em; text-decoration-thickness: 1px }
a:where(:not(#lwsgs *)):hover { text-decoration-thickness: 2px }
.field { margin-block-end: 1rem }
.field label { display: block; margin-block-end: .3rem; font-size: .9375rem; font-weight: 550 }
:is(input, select):where(:not(#lwsgs *, [type=checkbox])) { display: block; width: 100%; min-height: 2.75rem; margin: 0; padding: .5rem .75rem; font: inherit; color: inherit; background: var(--_field); border: 1px solid var(--_outline); border-radius: var(--_radius) }
[aria-invalid=true]:where(:not(#lwsgs *)) { border-color: var(--_danger); box-shadow: inset 0 0 0 1px var(--_danger) }
[hidden]:where(:not(#lwsgs *)) { display: none !important }
.check { display: flex; align-items: center; gap: .625rem; min-height: 1.75rem; margin-block-end: 1rem; font-size: .9375rem }
.check input { width: 1.125rem; height: 1.125rem; margin: 0; accent-color: var(--_accent) }
.hint, .error { margin: .3rem 0 0; font-size: .875rem }
.hint { color: var(--_muted) }
.error { color: var(--_danger) }
button:where(:not(#lwsgs *)) { min-height: 2.75rem; padding: .5rem 1.25rem; font: inherit; font-weight: 600; border: 1px solid transparent; border-radius: var(--_radius); background: var(--_accent); color: var(--_on-accent); cursor: pointer }
button:where(:not(#lwsgs *)):hover { background: color-mix(in srgb, var(--_accent) 88%, var(--_text)) }
button.danger { background: var(--_danger); color: var(--_on-danger) }
button.danger:hover { background: color-mix(in srgb, var(--_danger) 88%, var(--_text)) }
button:is(.quiet, .small, .danger-quiet) { background: none; border-color: var(--_outline); color: var(--_text); font-weight: 550 }
button.danger-quiet { color: var(--_danger) }
button:is(.quiet, .small, .danger-quiet):hover { background: color-mix(in srgb, var(--_text) 5%, transparent) }
button.small { min-height: 2.25rem; padding: .25rem .75rem; font-size: .9375rem }
:is(button, a, input, select, summary):where(:not(#lwsgs *)):focus-visible { outline: 2px solid var(--_accent); outline-offset: 2px }
:is([role=status], [role=alert]):where(:not(#lwsgs *)) { margin: 0 0 1.25rem; padding: .625rem .875rem; border-inline-start: 3px solid var(--_success); border-radius: .25rem; background: color-mix(in srgb, var(--_success) var(--_tint), transparent); font-size: .9375rem }
[role=alert]:where(:not(#lwsgs *)) { border-color: var(--_danger); background: color-mix(in srgb, var(--_danger) var(--_tint), transparent) }
[role=alert]:where(:not(#lwsgs *)):focus { outline: none }
[role=alert]:where(:not(#lwsgs *)) a { color: inherit }
.badge { display: flex; align-items: center; gap: .875rem; margin: 0 0 1rem }
.badge > span:last-child { min-width: 0 }
.avatar { display: grid; flex: none; place-items: center; width: 2.75rem; height: 2.75rem; border-radius: 50%; background: hsl(var(--_hue, 220) 45% var(--_avatar-light)); color: var(--_avatar-text); font-weight: 650 }
${[265, 320, 355, 25, 150, 180, 200].map((hue, index) => `.avatar[data-hue="${index + 1}"] { --_hue: ${hue} }`).join('\n')}
.mark { display: inline-block; padding: .0625rem .5rem; border: 1px solid var(--_border); border-radius: 1rem; color: var(--_muted); font-size: .8125rem }
.mark[data-mark=verified] { border-color: transparent; background: color-mix(in srgb, var(--_success) var(--_tint), transparent); color: var(--_success) }
.mark[data-mark=admin] { border-color: transparent; background: color-mix(in srgb, var(--_accent) var(--_tint), transparent); color: var(--_accent) }
.mark[data-mark=bad] { border-color: transparent; background: color-mix(in srgb, var(--_danger) var(--_tint), transparent); color: var(--_danger) }
.links, .rows { margin: 0 0 1rem; padding: 0; list-style: none }
.links li { padding-block: .25rem }
.bar { display: flex; flex-wrap: wrap; gap: 0 1.25rem }
.rows li { display: flex; align-items: center; justify-content: space-between; gap: 1rem; padding-block: .75rem; border-block-end: 1px solid var(--_border) }
.rows li:first-child { padding-block-start: 0 }
.rows li:last-child { border: 0 }
.rows .buttons { flex-wrap: nowrap; gap: .5rem; margin: 0 }
@media (max-width: 30rem) { .rows li:has(.buttons) { display: block } .rows .buttons { margin-block-start: .5rem } }
summary:where(:not(#lwsgs *)) { cursor: pointer; padding-block: .25rem }
.rows li > :first-child { min-width: 0 }
.rows form, .buttons form { flex: none; max-width: 100%; margin: 0 }
.rows details form + form { margin-block-start: .75rem }
.hint + .rows { margin-block-start: 1rem }
dl.facts { display: grid; grid-template-columns: minmax(6rem, auto) 1fr; gap: .25rem 1rem; margin: 0 0 1.25rem }
dl.facts dt { color: var(--_muted) }
dl.facts dd { margin: 0 }
.buttons { display: flex; flex-wrap: wrap; align-items: start; gap: .75rem; margin-block-end: .75rem }
.search { display: grid; grid-template-columns: repeat(auto-fit, minmax(12rem, 1fr)); align-items: end; gap: 0 1rem; margin-block-end: 1rem }
.search button { margin-block-end: 1rem }
@media (forced-colors: active) { button, .avatar, .mark { border: 1px solid } }
`

/** The style sheet of the pages that need no script. */
export function pageStyle(app: FastifyInstance): void {
  app.get(pageStylePath, (_request, reply) =>
    reply.header('cache-control', 'public, max-age=3600').type('text/css; charset=utf-8').send(style)
  )
}
