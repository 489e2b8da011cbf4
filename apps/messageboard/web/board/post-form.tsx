import { useId, useRef, useState, type KeyboardEvent, type ReactNode, type SubmitEvent } from 'react'
import { useGs } from 'gs-ui'
import { loadDraft, saveDraft } from './draft.ts'
import { contentLimit, countCodePoints, postMessage } from './post-message.ts'

/** From here on the form says how much room is left. */
const nearLimit = contentLimit - 400

interface PostFormProps {
  readonly username: string
  /** Whether the board is connected. */
  readonly live: boolean
}

/** Writes a message. What was typed stays until the board has it, even if the session ends before. */
export function PostForm({ username, live }: PostFormProps): ReactNode {
  const { client } = useGs()
  const id = useId()
  const area = useRef<HTMLTextAreaElement>(null)
  const [text, setText] = useState(() => loadDraft(username))
  const [sending, setSending] = useState(false)
  const [failure, setFailure] = useState<{ readonly status: number; readonly message: string } | null>(null)
  const [wasLive, setWasLive] = useState(live)
  const room = contentLimit - countCodePoints(text)
  const sendable = !sending && text.trim() !== '' && room >= 0

  if (live !== wasLive) {
    setWasLive(live)
    // The board can be reached again.
    if (live && failure?.status === 0) setFailure(null)
  }

  function change(value: string): void {
    setText(value)
    saveDraft(username, value)
  }

  async function send(): Promise<void> {
    setSending(true)
    setFailure(null)
    const result = await postMessage(text)
    setSending(false)
    if (result.ok) change('')
    else setFailure(result)
    // The session ended, or may not write any more: the page shows which.
    if (!result.ok && (result.status === 401 || result.status === 403)) void client.refresh()
    area.current?.focus()
  }

  function onSubmit(event: SubmitEvent<HTMLFormElement>): void {
    event.preventDefault()
    if (sendable) void send()
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
        readOnly={sending}
        aria-invalid={failure !== null || room < 0}
        aria-describedby={`${id}-help ${id}-room${failure === null ? '' : ` ${id}-failure`}`}
        onChange={(event) => change(event.currentTarget.value)}
        onKeyDown={sendOnKeys}
      />
      {failure !== null && (
        <p className="failure" id={`${id}-failure`} role="alert">
          {failure.message}
        </p>
      )}
      <div className="post-foot">
        <p className="hint" id={`${id}-help`}>
          <kbd>Ctrl</kbd> or <kbd>⌘</kbd> with <kbd>Enter</kbd> sends.
        </p>
        <p className="room" id={`${id}-room`} data-over={room < 0}>
          {countCodePoints(text) > nearLimit && (room < 0 ? `${-room} characters too many` : `${room} characters left`)}
        </p>
        <button type="submit" disabled={!sendable}>
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
