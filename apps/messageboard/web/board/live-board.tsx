import { useCallback, useEffect, useId, useRef, useState, useSyncExternalStore, type ReactNode, type RefObject } from 'react'
import { createPortal, flushSync } from 'react-dom'
import { useGs } from 'gs-ui'
import { createBoardCalls } from './board-calls.ts'
import { BoardFeed } from './board-feed.ts'
import type { ShownPost, UnsentPost } from './feed-state.ts'
import type { Connection } from './board-socket.ts'
import { DeleteDialog } from './delete-dialog.tsx'
import { loadDraft, loadUnsent, saveDraft, saveUnsent } from './draft.ts'
import { PostForm } from './post-form.tsx'
import { PostList } from './post-list.tsx'
import { useAnnouncement } from './use-announcement.ts'

const connectionNames: Readonly<Record<Connection, string>> = {
  connecting: 'Connecting …',
  live: 'Live',
  waiting: 'Connection lost, trying again …',
  throttled: 'Too many messages at once. Trying again soon …',
  closed: 'Closed'
}

interface LiveBoardProps {
  readonly username: string
  /** Rights of the session; another number may open the board again. */
  readonly mask: number
}

/** The board of a member whose address is verified. */
export function LiveBoard({ username, mask }: LiveBoardProps): ReactNode {
  const { client } = useGs()
  const id = useId()
  const [feed] = useState(
    () =>
      new BoardFeed({
        url: boardAddress(),
        calls: createBoardCalls(),
        onRefused: client.refresh,
        unsent: loadUnsent(username),
        keepUnsent: (texts) => saveUnsent(username, texts)
      })
  )
  const state = useSyncExternalStore(feed.subscribe, feed.getSnapshot)
  const connection = useCalm(state.connection)
  const announcement = useAnnouncement(state)
  const [text, setText] = useState(() => loadDraft(username))
  const [asked, setAsked] = useState<ShownPost | null>(null)
  const [newest, setNewest] = useState<number | null>(null)
  const area = useRef<HTMLTextAreaElement>(null)
  const heading = useRef<HTMLHeadingElement>(null)
  // Who is at the head of the list, or before it, sees what is new.
  const { away, unseen } = useUnseen(heading, state.posts, newest, () => setNewest(null))

  useEffect(() => {
    const events = new AbortController()
    const { signal } = events
    window.addEventListener('online', feed.wake, { signal })
    document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && feed.wake(), { signal })
    return () => events.abort()
  }, [feed])

  useEffect(() => feed.setMask(mask), [feed, mask])

  useEffect(() => saveDraft(username, text), [username, text])

  function send(): void {
    feed.post(text)
    setText('')
    setNewest(null)
  }

  /** Takes a refused text back into the form, before what is being written there. */
  const edit = useCallback(
    ({ id, content }: UnsentPost) => {
      setText((text) => (text === '' ? content : `${content}\n\n${text}`))
      feed.discard(id)
      area.current?.focus()
    },
    [feed]
  )

  function showNewest(): void {
    flushSync(() => setNewest(null))
    heading.current?.focus()
    heading.current?.scrollIntoView()
  }

  function closeQuestion(idx: number): void {
    flushSync(() => setAsked(null))
    // The button that asked may be gone: with its post, or with the right to delete it.
    if (document.activeElement === document.body) (findPlace(idx) ?? heading.current)?.focus()
  }

  if (connection === 'closed') {
    return (
      <section className="card" role="alert">
        <h2>The board is closed to you</h2>
        <p>This account may not read and write here any more. What you have typed is kept in this tab.</p>
        <div className="actions">
          <button type="button" className="plain" onClick={feed.wake}>
            Try again
          </button>
        </div>
      </section>
    )
  }
  return (
    <>
      <PostForm area={area} text={text} onText={setText} onSend={send} />
      <section className="messages" aria-labelledby={id}>
        <div className="messages-head">
          <h2 id={id} ref={heading} tabIndex={-1}>
            Latest posts
          </h2>
          <div className="presence">
            {state.people !== null && connection === 'live' && (
              <p className="people">{state.people === 1 ? '1 person here' : `${state.people} people here`}</p>
            )}
            <output className="connection" data-connection={connection}>
              {connectionNames[connection]}
            </output>
          </div>
        </div>
        <output className="visually-hidden">{announcement}</output>
        <div className="jump">
          {away && (unseen > 0 || newest !== null) && (
            <button type="button" className="main" onClick={showNewest}>
              {unseen === 0 ? 'Newest posts' : unseen === 1 ? '1 new post' : `${unseen} new posts`} <span aria-hidden="true">↑</span>
            </button>
          )}
        </div>
        <PostList
          state={state}
          username={username}
          newest={newest}
          onMove={setNewest}
          loadOlder={feed.loadOlder}
          onDelete={setAsked}
          onRetry={feed.retry}
          onEdit={edit}
          onDiscard={feed.discard}
        />
      </section>
      {asked &&
        createPortal(
          <DeleteDialog key={asked.idx} post={asked} remove={feed.remove} onClose={() => closeQuestion(asked.idx)} />,
          document.body
        )}
    </>
  )
}

/** A short break of a connection, as when a page comes back into view, is nothing to tell anybody. */
function useCalm(connection: Connection): Connection {
  const [shown, setShown] = useState(connection)
  const brief = shown === 'live' && (connection === 'connecting' || connection === 'waiting')
  useEffect(() => {
    const timer = setTimeout(() => setShown(connection), brief ? 1500 : 0)
    return () => clearTimeout(timer)
  }, [connection, brief])
  return brief ? shown : connection
}

/** Whether the head of the list is out of sight, and how many posts have come since. */
function useUnseen(heading: RefObject<HTMLElement | null>, posts: readonly ShownPost[], newest: number | null, onHead: () => void) {
  const [away, setAway] = useState(false)
  const [seen, setSeen] = useState<number | null>(null)
  useEffect(() => {
    if (heading.current === null) return undefined
    const observer = new IntersectionObserver((entries) => {
      const entry = entries.at(-1)
      if (!entry) return
      // Below the visible part it is still to come.
      const above = !entry.isIntersecting && entry.boundingClientRect.top < 0
      setAway(above)
      if (!above) onHead()
    })
    observer.observe(heading.current)
    return () => observer.disconnect()
  })
  const top = posts[0]?.idx ?? null
  if (top !== seen && (!away || seen === null) && newest === null) setSeen(top)
  const unseen = seen === null ? 0 : posts.filter(({ idx, own }) => idx > seen && !own).length
  return { away, unseen }
}

/** The post, or the next one when it is gone. */
function findPlace(idx: number): HTMLElement | undefined {
  const all = [...document.querySelectorAll<HTMLElement>('.message[id]')]
  return all.find(({ id }) => Number(id.slice('post-'.length)) <= idx) ?? all.at(-1)
}

function boardAddress(): string {
  const url = new URL('/lwsgs/board', location.href)
  url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:'
  return url.href
}
