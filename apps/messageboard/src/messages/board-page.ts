import { html, type Html } from '../html.ts'
import { findLinks, linkRel } from './links.ts'
import type { Post } from './protocol.ts'

export interface BoardPage {
  readonly username: string
  /** Newest first. */
  readonly posts: readonly Post[]
  /** Whether there are older ones than the last of these. */
  readonly older: boolean
  /** The page shows posts before this one; null: the newest ones. */
  readonly before: number | null
  /** IANA name; null: not known. */
  readonly timeZone: string | null
  /** Goes with the form, so that it counts once however often it is sent. */
  readonly postId: string
  /** Why the last text was refused; and the text. */
  readonly refused?: { readonly problem: string; readonly text: string } | undefined
}

export const boardPagePath = '/lwsgs/board.html'
const boardStylePath = '/lwsgs/board.css'

const addressOf = (before: number | null) => (before === null ? boardPagePath : `${boardPagePath}?before=${before}`)

/** The text with its links; where an address is not what it looks like in every alphabet, the link says it in ASCII. */
function renderContent(content: string): Html[] {
  return findLinks(content).map(({ text, url }) => {
    if (url === undefined) return html`${text}`
    if (/^\p{ASCII}*$/u.test(text)) return html`<a href="${url}" dir="ltr" rel="${linkRel}">${text}</a>`
    return html`<a href="${url}" dir="ltr" rel="${linkRel}" title="leads to ${new URL(url).host}">${text}</a>`
  })
}

function renderPost(post: Post, before: number | null, format: Intl.DateTimeFormat): Html {
  const { content, deletable, idx, own, time, username } = post
  const at = new Date(time * 1000)
  const when = format.format(at)
  const remove = html`<details class="delete">
    <summary>
      Delete<span class="away"> the post of <bdi>${username}</bdi> of ${when}</span>
    </summary>
    <form method="post" action="/lwsgs/messages/${idx}/delete">
      ${before === null ? '' : html`<input type="hidden" name="before" value="${before}" />`}
      <button>Delete for everybody</button>
    </form>
  </details>`
  return html`<li class="message" id="post-${idx}">
    <div class="message-head">
      <bdi class="author">${username}</bdi>
      ${own ? html`<span class="own">you</span>` : ''}
      <time datetime="${at.toISOString()}">${when}</time>
    </div>
    <p class="content" dir="auto">${renderContent(content)}</p>
    ${deletable ? remove : ''}
  </li> `
}

/** The board for browsers that run no script. */
export function renderBoardPage({ before, older, postId, posts, refused, timeZone, username }: BoardPage): Html {
  const format = new Intl.DateTimeFormat('en', {
    dateStyle: 'medium',
    timeStyle: timeZone === null ? 'long' : 'short',
    timeZone: timeZone ?? 'UTC'
  })
  const problem = refused === undefined ? '' : html`<p class="problem" id="problem" role="alert">${refused.problem}</p>`
  const marks = refused === undefined ? '' : html`aria-invalid="true" aria-describedby="problem" autofocus`
  const form = html`<form class="post" method="post" action="/lwsgs/msg">
    <label for="msg">Write something, ${username}</label>
    ${problem}
    <textarea id="msg" name="msg" rows="4" required ${marks}>${`\n${refused?.text ?? ''}`}</textarea>
    <input type="hidden" name="page" value="board.html" />
    <input type="hidden" name="id" value="${postId}" />
    <button>Post</button>
  </form>`
  const pages = html`<nav class="pages" aria-label="Older and newer posts">
    ${before === null ? html`<a href="${addressOf(null)}">Look for new posts</a>` : html`<a href="${addressOf(null)}">Newest posts</a>`}
    ${older ? html`<a href="${addressOf(posts.at(-1)!.idx)}" rel="next">Older posts</a>` : html`<span>These are the oldest ones.</span>`}
  </nav>`
  const list = html`<ol class="messages">
    ${posts.map((post) => renderPost(post, before, format))}
  </ol>`
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        <title>${refused === undefined ? '' : 'Error: '}${before === null ? '' : 'Older posts – '}Message board</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="${boardStylePath}" />
      </head>
      <body>
        <header>
          <h1><a href="/lwsgs/">Message board</a></h1>
          <nav aria-label="Pages">
            <a href="/lwsgs/needauth/">Members' page</a>
            <a href="/lwsgs/lwsgs-change">Your account</a>
            <form method="post" action="/lwsgs/logout"><button class="quiet">Log out</button></form>
          </nav>
        </header>
        <main>
          ${form}
          <section aria-labelledby="posts">
            <h2 id="posts">${before === null ? 'Latest posts' : 'Older posts'}</h2>
            ${posts.length === 0 ? html`<p class="nothing">${before === null ? 'Nothing here yet. Write the first one.' : 'There are no older posts.'}</p>` : list}
            ${posts.length === 0 && before === null ? '' : pages}
          </section>
        </main>
      </body>
    </html> `
}
