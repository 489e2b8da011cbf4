import { hidePage, inPage } from './jwt-page.ts'

/** A page that is over sooner than so many ms after it began was over when it came. */
const young = 10_000
/** Between two attempts, ms. */
const firstPause = 1000
const longestPause = 60_000

const key = 'gs-jwt'

/**
 * How long to wait, ms. A page that is over as soon as it is there would be fetched again and again: where the server still takes a token whose
 * time is over, or makes pages for somebody else than it says.
 */
function pauseBeforeExit(): number {
  if (performance.now() > young) return 0
  const now = Date.now()
  let times = 0
  try {
    const [count = 0, at = 0] = (sessionStorage.getItem(key) ?? '').split(' ').map(Number)
    if (now >= at && now - at < 2 * longestPause) times = count
    sessionStorage.setItem(key, `${times + 1} ${now}`)
  } catch {
    // A browser that stores nothing.
    times = isReload() ? 5 : 0
  }
  return times === 0 ? 0 : Math.min(longestPause, firstPause * 2 ** (times - 1))
}

/** Fetches the page again, or leaves it for another one of this site. `at once`: it was here before. */
export function exitPage(home: string | null, atOnce: boolean): void {
  if (!inPage()) return
  const pause = atOnce ? 0 : pauseBeforeExit()
  if (pause > 0) {
    hidePage(false)
    setTimeout(() => exit(home), pause)
  } else {
    exit(home)
  }
}

function exit(home: string | null): void {
  // Until the next page is there, which may take its time, and for ever where there is no network.
  hidePage(true)
  const { href } = location
  const target = new URL(home ?? '', href).href
  // To go to where one is may do no more than to scroll.
  if (withoutFragment(target) !== withoutFragment(href)) return location.replace(target)
  // What a form has sent to get this page is not sent again: it may have been a login.
  history.replaceState(history.state, '')
  location.reload()
}

/** To fetch a page again is done by programs, too. */
export function isReload(): boolean {
  return inPage() && (performance.getEntriesByType('navigation')[0] as PerformanceNavigationTiming | undefined)?.type === 'reload'
}

const withoutFragment = (address: string) => address.replace(/#.*/, '')
