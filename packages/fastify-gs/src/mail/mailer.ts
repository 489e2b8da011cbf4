import { createTransport } from 'nodemailer'
import { smtpSocket, TlsSessionCache } from 'tls-session-cache'
import type { Mailer } from '../options.ts'

export interface SmtpSettings {
  /** `smtp:` or `smtps:`, with host, and port, user and password where needed. */
  readonly url: URL
  readonly from: { readonly name: string; readonly address: string }
  readonly allowInsecure: boolean
}

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port)
  if (url.protocol === 'smtps:') return 465
  return url.username === '' ? 25 : 587
}

/**
 * Seconds between a mail and the next one whose connection is resumed. Most mail servers want an hour or two; that mails of one site come from the same
 * machine is no secret, so a ticket may be used again.
 */
const tlsSessions = { namespace: 'fastify-gs mail', ttl: 3600, singleUse: false } as const

/** One attempt may take so long, however slowly the server talks; until then stop() waits for it. */
const attemptTimeout = 60_000

interface SendError extends Error {
  readonly code?: string
  readonly responseCode?: number
}

/** Whether it is this mail that was refused, and not the connection or the login. */
const isRefusal = ({ code }: SendError) => code === 'EENVELOPE' || code === 'EMESSAGE'

/**
 * Whether the server has refused this mail for good (RFC 5321, 4.2.1: 5yz). A refused login or connection says nothing about the mail:
 * it waits until somebody has corrected the settings.
 */
const isPermanent = (error: SendError) => {
  const { responseCode = 0 } = error
  return isRefusal(error) && responseCode >= 500 && responseCode < 600
}

/** What every reader takes for one address; in anything else the library may find two, or another one. */
const plainAddress = /^[^\s\p{Cc}<>()[\]\\,;:"@]+@[a-z0-9.-]+$/iu

/** Sends through SMTP; the envelope is stated, so that no address in a header can become a recipient. */
export function createSmtpMailer(settings: SmtpSettings): Mailer {
  const { url, from } = settings
  const local = loopback.test(url.hostname)
  const closing = new AbortController()
  const sessions = new TlsSessionCache(tlsSessions)
  const transport = createTransport(
    {
      pool: true,
      maxConnections: 2,
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: portOf(url),
      secure: url.protocol === 'smtps:',
      // On this machine nobody can listen in, and its mail server seldom has a certificate for "localhost".
      ignoreTLS: local && url.protocol === 'smtp:',
      requireTLS: !local && !settings.allowInsecure,
      ...(url.username === '' ? {} : { auth: { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) } }),
      connectionTimeout: 10_000,
      greetingTimeout: 10_000,
      socketTimeout: 30_000,
      getSocket: smtpSocket(sessions, { signal: closing.signal }),
      disableFileAccess: true,
      disableUrlAccess: true
    },
    { from, headers: { 'Auto-Submitted': 'auto-generated' } }
  )
  return {
    async send(mail) {
      if (!plainAddress.test(mail.to)) throw Object.assign(new Error('This is no address that mail is sent to.'), { permanent: true })
      try {
        await transport.sendMail({
          to: { name: '', address: mail.to },
          envelope: { from: from.address, to: [mail.to] },
          subject: mail.subject,
          text: mail.text,
          html: mail.html,
          ...(mail.language !== undefined && { headers: { 'Content-Language': mail.language } }),
          messageId: `<${mail.messageId}>`,
          xMailer: false,
          signal: AbortSignal.any([AbortSignal.timeout(attemptTimeout), closing.signal])
        })
      } catch (thrown) {
        const error = thrown as SendError
        // It may be the resumed session that the server has something against: the next attempt begins with a full handshake.
        if (!isRefusal(error)) sessions.clear()
        throw Object.assign(error, { permanent: isPermanent(error) })
      }
    },
    close() {
      closing.abort()
      transport.close()
      sessions.close()
    }
  }
}
