import { memo, useEffect, useRef, useSyncExternalStore, type ReactNode, type RefObject } from 'react'
import { findShownUnsent, type FeedState, type ShownPost, type UnsentPost } from './feed-state.ts'
import { KeepPlace } from './keep-place.tsx'
import { PostItem, UnsentItem } from './post-item.tsx'
import { describeDay, subscribeToClock } from './post-time.ts'
import { cutWindow, moveToNewer, moveToOlder } from './post-window.ts'

interface PostListProps {
  readonly state: FeedState
  readonly username: string
  /** Number of the post with which the window begins; null: it follows what is new. */
  readonly newest: number | null
  readonly onMove: (newest: number | null) => void
  readonly loadOlder: () => Promise<void>
  readonly onDelete: (post: ShownPost) => void
  readonly onRetry: (id: string) => void
  readonly onEdit: (post: UnsentPost) => void
  readonly onDiscard: (id: string) => void
}

/** The posts by days, newest on top. Typing beside it costs it nothing. */
export const PostList = memo(function PostList(props: PostListProps): ReactNode {
  const { state, username, newest, onMove, loadOlder, onDelete, onRetry, onEdit, onDiscard } = props
  const { posts, older, loadingOlder, loaded, connection } = state
  const shown = cutWindow(posts, newest)
  const unsent = newest === null ? findShownUnsent(state).toReversed() : []
  const list = useRef<HTMLDivElement>(null)
  const today = useSyncExternalStore(subscribeToClock, () => new Date().setHours(0, 0, 0, 0))
  const days = groupByDay(shown.posts, today)
  // What is being sent stands with the posts of today, where it will stay.
  const todayName = describeDay(new Date(today), today)
  if (unsent.length > 0 && days[0]?.name !== todayName) days.unshift({ name: todayName, posts: [] })

  const above = useInView(shown.newer, () => onMove(moveToNewer(posts, newest)))
  const below = useInView(shown.older || (older === true && loadingOlder === 'no'), () =>
    shown.older ? onMove(moveToOlder(posts, newest)) : void loadOlder()
  )

  /** For who uses no wheel: goes on with the first of the posts that come. */
  async function showOlder(): Promise<void> {
    const last = messagesIn(list.current).at(-1)
    if (shown.older) onMove(moveToOlder(posts, newest))
    else await loadOlder()
    requestAnimationFrame(() => {
      const messages = messagesIn(list.current)
      messages[messages.indexOf(last!) + 1]?.focus()
    })
  }

  return (
    // New posts are announced in one sentence, by the board; read out one by one they would drown all else.
    <div role="log" aria-live="off" aria-label="Posts" ref={list}>
      <div ref={above} />
      {loaded && posts.length === 0 && unsent.length === 0 && older !== true && (
        <p className="nothing">Nothing here yet. Write the first one.</p>
      )}
      <KeepPlace>
        {days.map(({ name, posts: ofDay }, index) => (
          <section className="day" key={name}>
            <h3>{name}</h3>
            <ol className="message-list">
              {index === 0 &&
                unsent.map((post) => (
                  <UnsentItem
                    key={post.id}
                    post={post}
                    username={username}
                    live={connection === 'live'}
                    onRetry={onRetry}
                    onEdit={onEdit}
                    onDiscard={onDiscard}
                  />
                ))}
              {ofDay.map((post) => (
                <PostItem key={post.idx} post={post} onDelete={onDelete} />
              ))}
            </ol>
          </section>
        ))}
      </KeepPlace>
      <div ref={below} />
      {loaded && (
        <div className="list-end">
          {loadingOlder === 'failed' && (
            <p className="failure" role="alert">
              The older posts could not be loaded.
            </p>
          )}
          {(shown.older || older === true) && (
            <button type="button" className="plain" aria-disabled={loadingOlder === 'yes'} onClick={() => void showOlder()}>
              {loadingOlder === 'yes' ? 'Loading …' : loadingOlder === 'failed' ? 'Try again' : 'Show older posts'}
            </button>
          )}
          {!shown.older && older === 'full' && (
            <p>
              More does not fit on this page. <a href={`/lwsgs/board.html?before=${posts.at(-1)?.idx ?? 0}`}>Older posts</a>
            </p>
          )}
          {!shown.older && older === false && posts.length > 0 && <p>This is where the board begins.</p>}
        </div>
      )}
    </div>
  )
})

function messagesIn(list: HTMLElement | null): HTMLElement[] {
  return [...(list?.querySelectorAll<HTMLElement>('.message') ?? [])]
}

interface Day {
  readonly name: string
  readonly posts: ShownPost[]
}

function groupByDay(posts: readonly ShownPost[], now: number): Day[] {
  const days: Day[] = []
  for (const post of posts) {
    const name = describeDay(new Date(post.time * 1000), now)
    const day = days.find((other) => other.name === name)
    if (day) day.posts.push(post)
    else days.push({ name, posts: [post] })
  }
  return days
}

/** Calls when the element is near the visible part of the page; after each change of the list again, if it still is. */
function useInView(active: boolean, onView: () => void): RefObject<HTMLDivElement | null> {
  const element = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (!active || element.current === null) return undefined
    const observer = new IntersectionObserver(
      // A browser that is busy tells several crossings at once: the last one counts.
      (entries) => entries.at(-1)?.isIntersecting === true && onView(),
      { rootMargin: '600px 0px' }
    )
    observer.observe(element.current)
    return () => observer.disconnect()
  })
  return element
}
