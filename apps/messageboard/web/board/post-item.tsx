import { memo, useSyncExternalStore, type ReactNode } from 'react'
import type { ShownPost, UnsentPost } from './feed-state.ts'
import { PostContent } from './post-content.tsx'
import { describeExactly, describeTime, subscribeToClock } from './post-time.ts'

interface PostItemProps {
  readonly post: ShownPost
  readonly onDelete: (post: ShownPost) => void
}

/** A post of the board. */
export const PostItem = memo(function PostItem({ post, onDelete }: PostItemProps): ReactNode {
  const { idx, time, username, content, own, deletable, arrived } = post
  return (
    <li className="message" id={`post-${idx}`} tabIndex={-1} data-own={own} data-arrived={arrived}>
      <div className="message-head">
        <Author username={username} own={own} />
        <PostTime seconds={time} />
        {deletable && (
          <button type="button" className="quiet" onClick={() => onDelete(post)}>
            Delete
            <span className="visually-hidden">
              {own ? ' your post' : ` the post of ${username}`}: {excerpt(content)}
            </span>
          </button>
        )}
      </div>
      <PostContent content={content} />
    </li>
  )
})

interface UnsentItemProps {
  readonly post: UnsentPost
  readonly username: string
  /** Whether the board can be reached just now. */
  readonly live: boolean
  readonly onRetry: (id: string) => void
  readonly onEdit: (post: UnsentPost) => void
  readonly onDiscard: (id: string) => void
}

/** What was written here and the board has not shown yet. */
export function UnsentItem({ post, username, live, onRetry, onEdit, onDiscard }: UnsentItemProps): ReactNode {
  const { id, content, state, reason } = post
  const about = <span className="visually-hidden">: {excerpt(content)}</span>
  return (
    <li className="message" tabIndex={-1} data-own data-state={state}>
      <div className="message-head">
        <Author username={username} own />
        {state !== 'refused' && (
          <span className="sending">{state === 'sent' ? 'Sent' : live ? 'Sending …' : 'Waiting for the connection …'}</span>
        )}
      </div>
      <PostContent content={content} />
      {state === 'refused' && (
        <div className="refused">
          <p className="failure">
            <strong>Not sent.</strong> {reason}
          </p>
          <div className="actions">
            <button type="button" className="plain" onClick={() => onRetry(id)}>
              Try again{about}
            </button>
            <button type="button" className="plain" onClick={() => onEdit(post)}>
              Edit{about}
            </button>
            <button type="button" className="plain" onClick={() => onDiscard(id)}>
              Discard{about}
            </button>
          </div>
        </div>
      )}
    </li>
  )
}

function Author({ username, own }: { readonly username: string; readonly own: boolean }): ReactNode {
  return (
    <span className="by">
      <bdi className="author">{username}</bdi>
      {own && <span className="you">you</span>}
    </span>
  )
}

function PostTime({ seconds }: { readonly seconds: number }): ReactNode {
  const time = new Date(seconds * 1000)
  const text = useSyncExternalStore(subscribeToClock, () => describeTime(time, Date.now()))
  return (
    <time dateTime={time.toISOString()} title={describeExactly(time)}>
      {text}
    </time>
  )
}

/** The beginning of a text, enough to tell posts apart. */
function excerpt(content: string): string {
  const [...points] = content.slice(0, 120)
  return points.length > 40 || content.length > 120 ? `${points.slice(0, 40).join('')} …` : content
}
