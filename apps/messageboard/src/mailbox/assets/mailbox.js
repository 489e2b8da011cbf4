// Adds mails on top of the list as they arrive. What is there already is not touched, so that neither focus, selection nor
// scroll position is lost.
const pollInterval = 2000

const list = document.getElementById('mails')
const news = document.getElementById('news')
const empty = document.getElementById('empty')
let unreachable = false

async function refresh() {
  const response = await fetch('/mailbox/', { cache: 'no-store' })
  if (!response.ok) throw new Error(`status ${response.status}`)
  const page = new DOMParser().parseFromString(await response.text(), 'text/html')
  const current = new Set()
  let added = 0
  for (const item of [...page.querySelectorAll('#mails > li')].toReversed()) {
    current.add(item.dataset.id)
    if (list.querySelector(`li[data-id="${CSS.escape(item.dataset.id)}"]`) === null) {
      list.prepend(document.adoptNode(item))
      added++
    }
  }
  for (const item of Array.from(list.children)) if (!current.has(item.dataset.id)) item.remove()
  empty.hidden = list.childElementCount > 0
  if (added > 0) news.textContent = added === 1 ? 'A new mail has arrived.' : `${added} new mails have arrived.`
  else if (unreachable) news.textContent = ''
  unreachable = false
}

async function poll() {
  if (document.visibilityState === 'visible') {
    try {
      await refresh()
    } catch {
      unreachable = true
      news.textContent = 'The board does not answer; still trying.'
    }
  }
  setTimeout(poll, pollInterval)
}

setTimeout(poll, pollInterval)
