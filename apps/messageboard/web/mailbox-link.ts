/** Shows the link to the mailbox where there is one for this visitor. */
export async function showMailboxLink(): Promise<void> {
  document.getElementById('mailbox-link')!.hidden = !(await hasMailbox(() => fetch('/mailbox/available')))
}

/** The mailbox exists only while the board catches its own mails, and only for people at this machine. No clear answer counts as no. */
export async function hasMailbox(ask: () => Promise<Response>): Promise<boolean> {
  try {
    const response = await ask()
    const { available } = Object(await response.json()) as { available?: unknown }
    return response.ok && available === true
  } catch {
    return false
  }
}
