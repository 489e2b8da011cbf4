// Fills in what the server says about the session, as text.
const response = await fetch('/lwsgs/session')
const session = response.ok ? await response.json() : {}
for (const element of document.querySelectorAll('[data-session]')) {
  const value = session[element.dataset.session]
  if (value !== null && value !== undefined) element.textContent = String(value)
}
