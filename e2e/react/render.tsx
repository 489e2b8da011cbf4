import { renderToString } from 'react-dom/server'
import { loadGsParts, type SessionInfo } from 'gs-ui'
import { Page } from './page.tsx'

export async function render(query: URLSearchParams, session: SessionInfo): Promise<string> {
  await loadGsParts('guest', 'account')
  return renderToString(<Page query={query} session={session} />)
}
