import type { GsOptions } from '../options.ts'
import { quote } from './lwsws-problems.ts'
import type { LwswsSection } from './lwsws-section.ts'

/** Printed in the documentation of lwsgs. */
const sampleContact = 'Set Me <>'

const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

/** The mail options of `protocol-generic-sessions`; null: what is wrong has been noted. `host`: that of the site. */
export function readMail(section: LwswsSection, host: string): GsOptions['mail'] | null {
  const from = section.text('email-from') ?? `noreply@${host.startsWith('[') ? 'localhost' : host}`
  if (section.text('email-from') === null) {
    const cure = `mails come from ${from}, which many servers refuse; write an address that people can answer to.`
    if (section.has('email-from')) section.warning('email-from', `is empty: ${cure}`)
    else section.warning(null, `has no key "email-from": ${cure}`)
  }
  const person = section.text('email-contact-person')
  if (person === sampleContact)
    section.warning('email-contact-person', 'is still the text of the sample; write the name and address of a person, or remove the key.')
  const contact = person === sampleContact ? null : person
  const server = readMailServer(section)
  return server === null ? null : { from, ...server, ...(contact !== null && { contact }) }
}

function readMailServer(section: LwswsSection): { smtp: string; allowInsecure?: boolean } | null {
  const address = section.text('email-smtp-url')
  const plain = ['email-server-ip', 'email-smtp-ip'].filter((key) => section.text(key) !== null)
  if (address !== null) {
    for (const key of plain) section.warning(key, 'has no effect beside "email-smtp-url"; remove it.')
    const url = /^smtps?:\/\/[^\\\s]+$/i.test(address) ? URL.parse(address) : null
    // Not repeated: there may be a password in it.
    if (url === null || url.hostname === '' || !/^\/?$/.test(url.pathname) || url.search !== '' || url.hash !== '')
      return section.error(
        'email-smtp-url',
        'is no address of a mail server; write one like "smtps://user:password@mail.example.com", with %40 for an @ in the password.'
      )
    return { smtp: address }
  }
  const [key, other] = plain
  if (key === undefined) return { smtp: 'smtp://127.0.0.1:25' }
  const given = section.text(key)!
  if (other !== undefined && section.text(other) !== given)
    section.warning(other, `has no effect beside "${key}", which names another server; remove one of them.`)
  const host = /^[0-9a-f]*:[0-9a-f:.]*:[0-9a-f:.]*$/i.test(given) ? `[${given}]` : given
  const url = /^(?:\[[0-9a-f:.]+\]|[\w.-]+)(?::\d{1,5})?$/i.test(host) ? URL.parse(`smtp://${host}`) : null
  if (url === null)
    return section.error(
      key,
      `is ${quote(given)}; write a host or address, with a port if it is not 25, like "127.0.0.1" or "mail.example.com:587".`
    )
  const smtp = `smtp://${url.hostname}:${url.port === '' ? 25 : url.port}`
  if (loopback.test(url.hostname)) return { smtp }
  section.warning(
    key,
    `names another machine, so mails with their links travel unencrypted where that server offers no TLS; write "email-smtp-url": "smtps://user:password@${url.hostname}" to demand it.`
  )
  return { smtp, allowInsecure: true }
}
