import { useId, type KeyboardEvent, type ReactNode, type RefObject, type SubmitEvent } from 'react'
import { hasVisible } from '../../src/messages/visible.ts'
import { contentLimit, countCodePoints } from './code-points.ts'

/** From here on the form says how much room is left. */
const nearLimit = contentLimit - 400

interface PostFormProps {
  readonly area: RefObject<HTMLTextAreaElement | null>
  readonly text: string
  readonly onText: (text: string) => void
  readonly onSend: () => void
}

/** Writes a post. */
export function PostForm({ area, text, onText, onSend }: PostFormProps): ReactNode {
  const id = useId()
  const length = countCodePoints(text)
  const room = contentLimit - length
  const sendable = hasVisible(text) && room >= 0

  function onSubmit(event: SubmitEvent<HTMLFormElement>): void {
    event.preventDefault()
    if (sendable) onSend()
    area.current?.focus()
  }

  return (
    <form className="card post" method="post" action="/lwsgs/msg" onSubmit={onSubmit}>
      <label htmlFor={id}>Message</label>
      <textarea
        ref={area}
        id={id}
        name="msg"
        rows={3}
        dir="auto"
        value={text}
        aria-invalid={room < 0}
        aria-describedby={`${id}-help ${id}-room`}
        onChange={(event) => onText(event.currentTarget.value)}
        onKeyDown={sendOnKeys}
      />
      <div className="post-foot">
        <p className="hint" id={`${id}-help`}>
          <kbd>Ctrl</kbd> or <kbd>⌘</kbd> with <kbd>Enter</kbd> sends.
        </p>
        <p className="room" id={`${id}-room`} data-over={room < 0}>
          {length > nearLimit && (room < 0 ? `${-room} characters too many` : `${room} characters left`)}
        </p>
        <button type="submit" className="main" disabled={!sendable}>
          Send
        </button>
      </div>
    </form>
  )
}

/** Ctrl or Cmd with Enter. */
function sendOnKeys(event: KeyboardEvent<HTMLTextAreaElement>): void {
  if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || event.repeat) return
  event.preventDefault()
  event.currentTarget.form?.requestSubmit()
}
