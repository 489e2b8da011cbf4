import { useEffect, useState, useSyncExternalStore, type ReactNode } from 'react'
import { useGs } from 'gs-ui'
import { BoardFeed } from './board-feed.ts'
import { MessageList } from './message-list.tsx'
import { PostForm } from './post-form.tsx'

const connectionNames = { connecting: 'Connecting …', live: 'Live', waiting: 'Connection lost, trying again …' }

/** The board of a member whose address is verified. */
export function LiveBoard({ username }: { readonly username: string }): ReactNode {
  const { client } = useGs()
  const [feed] = useState(() => new BoardFeed({ url: boardAddress(), onRefused: client.refresh }))
  const { connection, messages } = useSyncExternalStore(feed.subscribe, feed.getSnapshot)

  useEffect(() => {
    const events = new AbortController()
    const { signal } = events
    window.addEventListener('online', feed.wake, { signal })
    document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && feed.wake(), { signal })
    return () => events.abort()
  }, [feed])

  return (
    <>
      <PostForm username={username} live={connection === 'live'} />
      <section className="messages">
        <div className="messages-head">
          <h2>Latest posts</h2>
          <p className="connection" data-connection={connection} aria-live="polite">
            {connectionNames[connection]}
          </p>
        </div>
        <MessageList messages={messages} empty={connection === 'live'} />
      </section>
    </>
  )
}

function boardAddress(): string {
  const url = new URL('/lwsgs/board', location.href)
  url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:'
  return url.href
}
