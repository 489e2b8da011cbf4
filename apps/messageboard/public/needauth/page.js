// The server replaces the symbols while it sends this file: no request, no server-side page.
const session = { username: '$lwsgs_user', email: '$lwsgs_email', mask: '$lwsgs_auth' }
for (const element of document.querySelectorAll('[data-session]')) {
  const value = session[element.dataset.session]
  if (value !== '') element.textContent = value
}
