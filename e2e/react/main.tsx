import { createRoot, hydrateRoot } from 'react-dom/client'
import { loadGsParts, type SessionInfo } from 'gs-ui'
import 'gs-ui/gs-ui.css'
import { Page } from './page.tsx'

const place = document.getElementById('root')!
const query = new URLSearchParams(location.search)
const told = document.getElementById('session')

if (told === null) {
  createRoot(place).render(<Page query={query} session={undefined} />)
} else {
  await loadGsParts('guest', 'account')
  hydrateRoot(place, <Page query={query} session={JSON.parse(told.textContent) as SessionInfo} />)
}
