import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { createGsClient, GsLogin, GsProvider } from 'gs-ui'
import 'gs-ui/gs-ui.css'
import { Board } from './board/board.tsx'
import { showMailboxLink } from './mailbox-link.ts'

// Two places of the page, one session: what the widget changes, the board sees.
const client = createGsClient()

createRoot(document.getElementById('lwsgs')!).render(
  <StrictMode>
    <GsProvider client={client}>
      <GsLogin loginCode passwordHint="At least 15 characters. A few words in a row are easy to remember." />
    </GsProvider>
  </StrictMode>
)

createRoot(document.getElementById('board')!).render(
  <StrictMode>
    <GsProvider client={client}>
      <Board />
    </GsProvider>
  </StrictMode>
)

void showMailboxLink()
