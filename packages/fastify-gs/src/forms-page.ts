import type { FastifyReply, FastifyRequest } from 'fastify'
import type { GsError } from './errors.ts'
import { html, type Html } from './html.ts'

/*
 * Parts of the pages that work without scripts: forms, and what is shown when one of them is refused. A form of ours names itself in a
 * hidden field; the error handler finds by that name the page on which it stands, and shows that page again.
 */

/** Path of the page for admins, relative to the prefix. */
export const adminPagePath = '/lwsgs-admin'

/** The hidden field in which a form of our pages names itself. */
export const formField = 'form'

interface Sent {
  readonly form: string
  readonly values: Readonly<Record<string, string>>
}
const sentWith = new WeakMap<FastifyRequest, Sent>()

/**
 * Remembers which form was sent, and with what: the fields of the body, which know nothing of the form.
 *
 * @param form what the field of that name said
 */
export function rememberForm(request: FastifyRequest, form: unknown, fields: Readonly<Record<string, unknown>>): void {
  if (typeof form !== 'string') return
  const values = Object.fromEntries(Object.entries(fields).filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
  sentWith.set(request, { form, values })
}

/** The form of our pages that was sent; undefined: it was none of them. */
export function formName(request: FastifyRequest): string | undefined {
  return sentWith.get(request)?.form
}

/** A form that was sent and refused. */
export interface FormRefusal {
  readonly form: string
  readonly status: number
  /** A sentence for people. */
  readonly message: string
  /** The field it is about, by the name that the server gives it. */
  readonly field: string | undefined
  /** What was typed, by field; passwords are in it too, and never shown. */
  readonly values: Readonly<Record<string, string>>
}

/** Sends the page of a form again. */
export type ShowAgain = (request: FastifyRequest, reply: FastifyReply, refusal: FormRefusal) => FastifyReply | Promise<FastifyReply>

/** By the names of forms: the pages on which they stand. */
export type FormPages = Map<string, ShowAgain>

/** How long to wait: nobody looks a day ahead in seconds. */
function span(seconds: number): string {
  const [unit, length] = seconds >= 7200 ? (['hour', 3600] as const) : seconds >= 120 ? (['minute', 60] as const) : (['second', 1] as const)
  return new Intl.NumberFormat('en', { style: 'unit', unit, unitDisplay: 'long' }).format(Math.ceil(seconds / length))
}

/** The sentence of a refusal for a page, which has no countdown: with the time after which another attempt is looked at. */
export const sentenceOf = ({ code, message, retryAfter }: GsError): string =>
  code === 'GS_TOO_MANY_ATTEMPTS' && retryAfter !== undefined ? `${message} The next attempt counts in ${span(retryAfter)}.` : message

/** What the page of a refused form shows; null: the form is none of these pages. */
export function findRefusedForm(
  pages: FormPages,
  request: FastifyRequest,
  error: GsError
): { show: ShowAgain; refusal: FormRefusal } | null {
  const sent = sentWith.get(request)
  const show = sent === undefined ? undefined : pages.get(sent.form)
  if (sent === undefined || show === undefined) return null
  const { form, values } = sent
  const { code, field, statusCode: status } = error
  // These sentences are for whoever writes a program: they name fields as the protocol does.
  const plain = code !== 'GS_BODY_INVALID' || field === undefined
  const message = plain
    ? sentenceOf(error)
    : (values[field] ?? '') === ''
      ? 'Please fill in this field.'
      : 'This is too long, or not valid here.'
  return { show, refusal: { form, status, message, field, values } }
}

export interface Field {
  readonly name: string
  readonly label: string
  /** Default: `text`. */
  readonly type?: 'text' | 'password' | 'email' | 'search' | 'checkbox'
  readonly autocomplete?: string
  readonly inputmode?: 'email' | 'text' | 'numeric'
  readonly hint?: string
  /** What stands in it at first. */
  readonly value?: string
  /** Default: true. */
  readonly required?: boolean
  /** The name of this field in refusals. Default: `name`. */
  readonly refusedAs?: string
  /** Choices instead of a text: value and label. */
  readonly options?: readonly (readonly [value: string, label: string])[]
}

export interface Form {
  /** Unique among all pages; what was sent comes back by it. */
  readonly name: string
  readonly action: string
  readonly hidden?: Readonly<Record<string, string | undefined>>
  /** Whose account it is about: sent as `username`, and read by password managers, which look for no hidden fields. */
  readonly owner?: string
  readonly fields?: readonly Field[]
  readonly button: {
    readonly text: string
    /** Sent with the value 1. */
    readonly name?: string
    readonly look?: 'quiet' | 'danger' | 'danger-quiet' | 'small'
    /** For those who do not see what the button stands beside. */
    readonly label?: string
  }
}

export const join = (parts: readonly Html[]): Html => parts.reduce((all, part) => html`${all}${part}`, html``)

const when = (condition: boolean, part: Html): Html => (condition ? part : html``)

/** Each with a space before it; `true`: without value, `undefined` and `false`: not at all. */
const attributes = (all: Readonly<Record<string, string | boolean | undefined>>): Html =>
  join(
    Object.entries(all).map(([name, value]) =>
      value === undefined || value === false ? html`` : value === true ? html` ${name}` : html` ${name}="${value}"`
    )
  )

export const hidden = (name: string, value: string | undefined): Html =>
  value === undefined ? html`` : html`<input type="hidden" name="${name}" value="${value}" />`

function renderField(form: string, field: Field, refusal: FormRefusal | undefined, wrong: boolean): Html {
  const { name, label, type = 'text', hint, required = true, options } = field
  const id = `${form}-${name}`
  const described = [wrong ? `${id}-error` : '', hint === undefined ? '' : `${id}-hint`].filter((part) => part !== '').join(' ')
  const common = {
    id,
    name,
    required: required && type !== 'checkbox',
    autocomplete: field.autocomplete,
    inputmode: field.inputmode,
    'aria-describedby': described === '' ? undefined : described,
    'aria-invalid': wrong ? 'true' : undefined,
    autofocus: wrong
  }
  // A password is never in a page.
  const value = type === 'password' ? undefined : refusal === undefined ? field.value : (refusal.values[name] ?? '')
  if (type === 'checkbox') {
    const checked = refusal === undefined ? field.value !== undefined : (refusal.values[name] ?? '') !== ''
    return html`<label class="check"><input${attributes({ type, value: 'on', ...common, checked })} />${label}</label> `
  }
  const choices = (options ?? []).map(
    ([option, text]) => html`<option${attributes({ value: option, selected: option === value })}>${text}</option>`
  )
  const control =
    options === undefined
      ? html`<input${attributes({ type, ...common, value })} />`
      : html`<select${attributes(common)}>${join(choices)}</select>`
  return html`<div class="field">
    <label for="${id}">${label}</label>
    ${control} ${when(wrong, html`<p class="error" id="${id}-error">${refusal?.message ?? ''}</p>`)}
    ${when(hint !== undefined, html`<p class="hint" id="${id}-hint">${hint ?? ''}</p>`)}
  </div> `
}

/** What was wrong, where it is about no field, or for forms that stand on a page many times. */
export const failure = (refusal: FormRefusal | undefined): Html =>
  refusal === undefined ? html`` : html`<p role="alert" class="failure" tabindex="-1" autofocus>${refusal.message}</p>`

/** A refusal that the content of its page does not show, because its form stands there many times, or does not any more. */
export const unsaid = (content: Html, refusal: FormRefusal | undefined): Html =>
  content.text.includes('role="alert"') ? html`` : failure(refusal)

/** @param refusal of any form of the page: it is shown in the form that was sent */
export function renderForm(form: Form, refusal?: FormRefusal): Html {
  const { name, action, button } = form
  const fields = form.fields ?? []
  const mine = refusal?.form === name ? refusal : undefined
  const wrong =
    mine?.field === undefined
      ? undefined
      : fields.find((field) => (field.refusedAs ?? field.name) === mine.field || field.name === mine.field)
  const said =
    mine !== undefined && wrong !== undefined
      ? html`<p role="alert" class="failure"><a href="#${name}-${wrong.name}">${mine.message}</a></p>`
      : failure(mine)
  const hiddenFields = join(Object.entries(form.hidden ?? {}).map(([field, value]) => hidden(field, value)))
  const owner =
    form.owner === undefined
      ? html``
      : html`<input${attributes({ type: 'text', name: 'username', value: form.owner, autocomplete: 'username', readonly: true, hidden: true })} />`
  const rows = join(fields.map((field) => renderField(name, field, mine, field === wrong)))
  const pressed = attributes({
    type: 'submit',
    name: button.name,
    value: button.name === undefined ? undefined : '1',
    class: button.look,
    'aria-label': button.label
  })
  return html`<form method="post" action="${action}">
    ${said}${hidden(formField, name)}${hiddenFields}${owner}${rows}
    <button${pressed}>${button.text}</button>
  </form> `
}

/** A form that asks for another page and changes nothing: its fields become the query of that page. */
export function renderSearch(action: string, button: string, fields: readonly Field[]): Html {
  const rows = join(fields.map((field) => renderField('search', { ...field, required: false }, undefined, false)))
  return html`<form method="get" action="${action}" role="search" class="search">
    ${rows}<button type="submit" class="quiet">${button}</button>
  </form> `
}

/** A part of a page under a heading of its own. */
export function section(id: string, title: string, content: Html): Html {
  return html`<section aria-labelledby="${id}">
    <h2 id="${id}">${title}</h2>
    ${content}
  </section> `
}

/** Initials on a colour that belongs to the name. */
export function avatar(name: string): Html {
  const words = name.split(/[\s._-]+/u).filter((word) => word !== '')
  const letters = words.length > 1 ? words.slice(0, 2).map((word) => [...word][0]) : [[...name][0]]
  const hue = [...name].reduce((sum, character) => (sum * 31 + character.codePointAt(0)!) % 997, 7) % 8
  return html`<span class="avatar" data-hue="${String(hue)}" aria-hidden="true">${letters.join('').toUpperCase()}</span>`
}

/** A time, exactly and for everybody alike: the server does not know the visitor's zone. */
export function time(at: number): Html {
  const date = new Date(at)
  const text = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' }).format(date)
  return html`<time datetime="${date.toISOString()}">${text} UTC</time>`
}

const ages = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000]
] as const

/** How long ago, like "5 minutes ago". */
export function ago(at: number, now: number): Html {
  const elapsed = Math.max(0, now - at)
  const [unit, length] = ages.find(([, each]) => elapsed >= each) ?? []
  const text =
    unit === undefined ? 'just now' : new Intl.RelativeTimeFormat('en', { numeric: 'always' }).format(-Math.floor(elapsed / length), unit)
  return html`<time datetime="${new Date(at).toISOString()}">${text}</time>`
}

/** What a session has open, behind other facts: ", 2 open pages, 1 open connection"; empty: nothing. */
export function alsoOpen({ pages, sockets }: { readonly pages: number; readonly sockets: number }): string {
  const counted = (count: number, what: string) => (count === 0 ? '' : `, ${count} open ${what}${count === 1 ? '' : 's'}`)
  return counted(pages, 'page') + counted(sockets, 'connection')
}

const browsers: readonly (readonly [name: string, sign: RegExp])[] = [
  ['Edge', /\bEdg(?:e|A|iOS)?\//],
  ['Opera', /\bOPR\/|\bOpera\b/],
  ['Samsung Internet', /\bSamsungBrowser\//],
  ['Firefox', /\b(?:Firefox|FxiOS)\//],
  ['Chrome', /\b(?:Chrome|CriOS|Chromium|HeadlessChrome)\//],
  ['Safari', /\bVersion\/[\d.]+.* Safari\//]
]
const systems: readonly (readonly [name: string, sign: RegExp])[] = [
  ['Android', /\bAndroid\b/],
  ['iPhone', /\biPhone\b/],
  ['iPad', /\biPad\b/],
  ['Windows', /\bWindows\b/],
  ['macOS', /\bMac OS X\b/],
  ['ChromeOS', /\bCrOS\b/],
  ['Linux', /\bLinux\b/]
]

/** What a browser that names itself like this is for people: "Firefox on Windows". */
export function deviceOf(userAgent: string): string {
  const browser = browsers.find(([, sign]) => sign.test(userAgent))?.[0]
  const system = systems.find(([, sign]) => sign.test(userAgent))?.[0]
  if (browser !== undefined) return system === undefined ? browser : `${browser} on ${system}`
  return system ?? (userAgent === '' ? 'Unknown device' : userAgent.slice(0, 60))
}
