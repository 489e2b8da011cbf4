/** A message of the board. */
export interface Message {
  /** Ascending, unique. */
  readonly idx: number
  readonly time: Date
  readonly username: string
  readonly content: string
}

/** The message in a frame of the websocket, all of whose values are strings; `null` when it is something else. */
export function parseMessage(frame: unknown): Message | null {
  if (typeof frame !== 'string') return null
  let value: unknown
  try {
    value = JSON.parse(frame)
  } catch {
    return null
  }
  const { idx, time, username, content } = Object(value) as Record<string, unknown>
  if (!isNumeral(idx) || !isNumeral(time) || typeof username !== 'string' || typeof content !== 'string') return null
  return { idx: Number(idx), time: new Date(Number(time) * 1000), username, content }
}

/** Twelve digits are safe as a number, and as seconds inside what a Date can hold. */
function isNumeral(value: unknown): value is string {
  return typeof value === 'string' && /^\d{1,12}$/.test(value)
}
