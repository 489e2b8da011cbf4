import { Fragment, type ReactNode } from 'react'
import type { FeedMessage } from './board-feed.ts'

interface MessageListProps {
  readonly messages: readonly FeedMessage[]
  /** Whether no messages means that there are none. */
  readonly empty: boolean
}

/** The messages, newest on top. */
export function MessageList({ messages, empty }: MessageListProps): ReactNode {
  return (
    <div role="log">
      {messages.length === 0 && empty && <p className="nothing">Nothing here yet. Write the first one.</p>}
      <ol className="message-list">
        {messages.map(({ idx, time, username, content, gapBefore }) => (
          <Fragment key={idx}>
            <li className="message">
              <p className="message-head">
                <bdi className="author">{username}</bdi>
                <time dateTime={time.toISOString()} title={exactTime.format(time)}>
                  {shortTime(time)}
                </time>
              </p>
              <p className="content" dir="auto">
                {content}
              </p>
            </li>
            {gapBefore && <li className="gap">Older messages are missing here</li>}
          </Fragment>
        ))}
      </ol>
    </div>
  )
}

const exactTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' })
const dayAndTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })
const timeOnly = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' })

function shortTime(time: Date): string {
  return (time.toDateString() === new Date().toDateString() ? timeOnly : dayAndTime).format(time)
}
