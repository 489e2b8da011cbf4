import type { History, Post, ServerFrame } from '../../src/messages/protocol.ts'

type Fields = Readonly<Record<string, unknown>>

const isFlag = (value: unknown) => typeof value === 'boolean'
const isText = (value: unknown) => typeof value === 'string'
const isNumber = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0
const isPosts = (value: unknown) => Array.isArray(value) && value.every(isPost)

/** The last second that a Date can hold. */
const endOfTime = 8_640_000_000_000

function isPost(value: unknown): value is Post {
  const { idx, time, username, content, own, deletable } = Object(value) as Fields
  return (
    isNumber(idx) &&
    isNumber(time) &&
    (time as number) <= endOfTime &&
    isText(username) &&
    isText(content) &&
    isFlag(own) &&
    isFlag(deletable)
  )
}

const checks: Readonly<Record<ServerFrame['type'], (frame: Fields) => boolean>> = {
  hello: ({ seq, history, username, mayModerate }) =>
    isNumber(seq) && (history === undefined || isText(history)) && isText(username) && isFlag(mayModerate),
  reset: ({ seq, history, posts, older }) => isNumber(seq) && isText(history) && isPosts(posts) && isFlag(older),
  post: ({ seq, post }) => isNumber(seq) && isPost(post),
  deleted: ({ seq, idx }) => isNumber(seq) && isNumber(idx),
  presence: ({ people }) => isNumber(people),
  rights: ({ username, mayModerate }) => isText(username) && isFlag(mayModerate),
  done: ({ id, idx }) => isText(id) && isNumber(idx),
  refused: ({ id, code, message }) => isText(id) && isText(code) && isText(message)
}

/** What a frame of the websocket says; null when it is none of ours, such as one of a newer server. */
export function parseFrame(data: unknown): ServerFrame | null {
  if (typeof data !== 'string') return null
  let frame: Fields
  try {
    frame = Object(JSON.parse(data)) as Fields
  } catch {
    return null
  }
  const { type } = frame
  if (typeof type !== 'string' || !Object.hasOwn(checks, type) || !checks[type as ServerFrame['type']](frame)) return null
  return frame as unknown as ServerFrame
}

/** A page of older posts; null when the answer is something else. */
export function parseHistory(answer: unknown): History | null {
  const { posts, older } = Object(answer) as Fields
  return isPosts(posts) && isFlag(older) ? (answer as History) : null
}
