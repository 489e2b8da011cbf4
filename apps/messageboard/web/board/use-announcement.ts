import { useEffect, useRef, useState } from 'react'
import type { FeedState } from './feed-state.ts'

/** So many ms of news become one sentence. */
const pause = 2000

/** What a screen reader says of what happens on the board. */
export function useAnnouncement({ posts, unsent }: FeedState): string {
  const [text, setText] = useState('')
  const news = useRef({ known: posts[0]?.idx ?? null, refused: 0, timer: undefined as ReturnType<typeof setTimeout> | undefined })
  const latest = useRef({ posts, unsent })

  useEffect(() => {
    latest.current = { posts, unsent }
    const { current } = news
    // What is there when the page opens is no news.
    current.known ??= posts[0]?.idx ?? null
    current.timer ??= setTimeout(() => {
      current.timer = undefined
      const { posts, unsent } = latest.current
      const known = current.known ?? 0
      const fresh = posts.filter(({ idx, arrived, own }) => idx > known && arrived === true && !own)
      const sent = posts.filter(({ idx, sentAs }) => idx > known && sentAs !== undefined)
      const refused = unsent.filter(({ state }) => state === 'refused')
      const sentences = [
        refused.length > current.refused && `Not sent. ${refused.at(-1)?.reason ?? ''}`,
        sent.length > 0 && (sent.length === 1 ? 'Your post is on the board.' : 'Your posts are on the board.'),
        fresh.length === 1 && `New post from ${fresh[0]!.username}.`,
        fresh.length > 1 && `${fresh.length} new posts.`
      ].filter(Boolean)
      current.known = posts[0]?.idx ?? current.known
      current.refused = refused.length
      if (sentences.length > 0) setText(sentences.join(' '))
    }, pause)
  }, [posts, unsent])

  useEffect(() => {
    if (text === '') return undefined
    // The same sentence is said again only when there was another one in between.
    const timer = setTimeout(() => setText(''), pause)
    return () => clearTimeout(timer)
  }, [text])

  useEffect(
    () => () => {
      clearTimeout(news.current.timer)
      news.current.timer = undefined
    },
    []
  )
  return text
}
