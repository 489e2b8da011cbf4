/** The mailbox exists only while the board catches its own mails, and only for people at this machine. */
export async function showMailboxLink(): Promise<void> {
  try {
    const response = await fetch('/mailbox/messages.json')
    await response.body?.cancel()
    document.getElementById('mailbox-link')!.hidden = !response.ok
  } catch {
    // No answer, no link.
  }
}
