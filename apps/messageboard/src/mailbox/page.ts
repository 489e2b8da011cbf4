import type { CaughtMail } from './catcher.ts'
import { html, type Html } from '../html.ts'

const layout = (title: string, body: Html): Html =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} – Mailbox</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/mailbox/assets/mailbox.css" />
      </head>
      <body>
        ${body}
      </body>
    </html> `

const time = (date: string): Html => html`<time datetime="${date}">${date.slice(0, 19).replace('T', ' ')} UTC</time>`

const item = (mail: CaughtMail): Html =>
  html` <li data-id="${mail.id}">
    <a href="/mailbox/${mail.id}">
      <span class="subject"><bdi>${mail.subject || '(no subject)'}</bdi></span>
      <span class="to">to <bdi>${mail.to}</bdi></span>
      ${time(mail.date)}
    </a>
  </li>`

/** All mails, newest first. The script adds new ones on top while the page is open. */
export function renderInbox(mails: readonly CaughtMail[]): Html {
  return layout(
    'Inbox',
    html`<header>
        <h1>Mailbox</h1>
        <p><a href="/lwsgs/">Back to the message board</a></p>
      </header>
      <main>
        <p>
          The board has no mail server, so every mail that it sends lands here, whoever it is for. The mails are forgotten when the board
          stops.
        </p>
        <p id="news" role="status"></p>
        <p id="empty" ${mails.length === 0 ? '' : html` hidden`}>
          No mail yet. Sign up on the board, and the mail with the link appears here.
        </p>
        <ol id="mails">
          ${mails.map(item)}
        </ol>
      </main>
      <script src="/mailbox/assets/mailbox.js"></script>`
  )
}

/** The text with its web addresses as links. */
function linkify(text: string): Html[] {
  return text
    .split(/(https?:\/\/[^\s<>"]*[^\s<>".,;:!?)\]}'])/)
    .map((part, index) => (index % 2 === 1 ? html`<a href="${part}" rel="noreferrer">${part}</a>` : html`${part}`))
}

/** One mail. Its HTML part is shown as source: a mail must not be able to draw on this page. */
export function renderMail(mail: CaughtMail): Html {
  const source = html`<pre class="source">${mail.html.trimEnd()}</pre>`
  return layout(
    mail.subject || '(no subject)',
    html`<header>
        <p><a href="/mailbox/">All mails</a></p>
        <h1><bdi>${mail.subject || '(no subject)'}</bdi></h1>
      </header>
      <main>
        <dl>
          <dt>To</dt>
          <dd><bdi>${mail.to}</bdi></dd>
          <dt>From</dt>
          <dd><bdi>${mail.from}</bdi></dd>
          <dt>Caught</dt>
          <dd>${time(mail.date)}</dd>
        </dl>
        ${mail.text === '' ? '' : html`<pre class="text">${linkify(mail.text.trimEnd())}</pre>`}
        ${
          mail.html === ''
            ? ''
            : mail.text === ''
              ? source
              : html`<details>
                  <summary>Source of the HTML part</summary>
                  ${source}
                </details>`
        }
      </main>`
  )
}
