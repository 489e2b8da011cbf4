import { useId, useLayoutEffect, useRef, useState, type ReactNode } from 'react'
import type { CallResult } from './board-calls.ts'
import type { ShownPost } from './feed-state.ts'

interface DeleteDialogProps {
  readonly post: ShownPost
  readonly remove: (idx: number) => Promise<CallResult<true>>
  readonly onClose: () => void
}

/** Asks before a post is deleted. */
export function DeleteDialog({ post, remove, onClose }: DeleteDialogProps): ReactNode {
  const id = useId()
  const dialog = useRef<HTMLDialogElement>(null)
  const [deleting, setDeleting] = useState(false)
  const [failure, setFailure] = useState<string | null>(null)

  // The browser gives the focus back to where it was only while the dialog is still in the page.
  useLayoutEffect(() => {
    const element = dialog.current
    element?.showModal()
    return () => element?.close()
  }, [])

  async function confirm(): Promise<void> {
    if (deleting) return
    setDeleting(true)
    setFailure(null)
    const result = await remove(post.idx)
    if (result.ok) return onClose()
    setDeleting(false)
    setFailure(result.message)
  }

  return (
    <dialog
      ref={dialog}
      className="question"
      aria-labelledby={`${id}-title`}
      aria-describedby={`${id}-text`}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
    >
      <h2 id={`${id}-title`}>{post.own ? 'Delete your post?' : 'Delete this post?'}</h2>
      <blockquote className="quoted" dir="auto">
        {post.content}
      </blockquote>
      <p id={`${id}-text`}>
        {!post.own && (
          <>
            It was written by <bdi>{post.username}</bdi>.{' '}
          </>
        )}
        It disappears for everybody, at once and for good.
      </p>
      {failure !== null && (
        <p className="failure" role="alert">
          {failure}
        </p>
      )}
      <div className="actions">
        <button type="button" className="plain" autoFocus onClick={onClose}>
          Keep it
        </button>
        <button type="button" className="danger" aria-disabled={deleting} onClick={() => void confirm()}>
          {deleting ? 'Deleting …' : 'Delete'}
        </button>
      </div>
    </dialog>
  )
}
