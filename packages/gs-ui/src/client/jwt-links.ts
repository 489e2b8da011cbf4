/** In which part of a page. */
export type LinkRoot = Document | Element

/** What links and forms ask when they are used. */
export interface LinkClaims {
  /** The claim now; undefined: nobody is logged in. */
  readonly csrf: () => string | undefined
  /** Whether a claim is, or was, one of this page. */
  readonly isOld: (claim: string) => boolean
  /** Whether the server has not been asked yet. */
  readonly isLoading: () => boolean
  readonly load: () => Promise<unknown>
}

const field = 'csrf'
const mark = 'data-jwt-csrf'

/** See `JwtClient.protectLinks`. */
export function protectLinks(root: LinkRoot, { csrf, isOld, isLoading, load }: LinkClaims): () => void {
  const events = new AbortController()
  const options = { signal: events.signal, capture: true }

  const isMine = (element: Element, claim: unknown) => element.hasAttribute(mark) || (typeof claim === 'string' && isOld(claim))

  function onClick(event: Event): void {
    const { button } = event as MouseEvent
    const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>('a[href]') : null
    // Whoever is named in `ping` is told the address.
    if (link === null || !root.contains(link) || button > 1 || link.hasAttribute('ping')) return
    const written = link.getAttribute('href')!
    const url = addressOf(written, document.baseURI)
    if (url === null || !isMine(link, url.searchParams.get(field))) return
    if (isLoading()) {
      event.preventDefault()
      void load().then(() => !events.signal.aborted && !isLoading() && link.click())
      return
    }
    const claim = csrf()
    if (claim === undefined) return
    url.searchParams.set(field, claim)
    link.setAttribute('href', url.href)
    // The browser has read it by then; so it is in no address that somebody copies, and never an old one.
    setTimeout(() => {
      // The page may have changed it meanwhile.
      if (link.getAttribute('href') === url.href) link.setAttribute('href', written)
    })
  }

  function onSubmit(event: Event): void {
    const form = event.target as HTMLFormElement
    if (!isLoading() || !form.hasAttribute(mark)) return
    const { submitter } = event as SubmitEvent
    event.preventDefault()
    event.stopPropagation()
    void load().then(() => !events.signal.aborted && !isLoading() && form.requestSubmit(submitter))
  }

  /** Also of a form that a script sends, by `submit()` or as `new FormData(form)`. */
  function onFormData(event: Event): void {
    const form = event.target as HTMLFormElement
    const { formData } = event as FormDataEvent
    const claim = csrf()
    if (claim === undefined || !isMine(form, formData.get(field)) || !staysHere(form)) return
    formData.set(field, claim)
  }

  root.addEventListener('click', onClick, options)
  root.addEventListener('auxclick', onClick, options)
  root.addEventListener('submit', onSubmit, options)
  root.addEventListener('formdata', onFormData, options)
  return () => events.abort()
}

/** The address, if it is one of this site. */
function addressOf(written: string | null, base: string): URL | null {
  if (written === null || !URL.canParse(written, base)) return null
  const url = new URL(written, base)
  return url.origin === location.origin ? url : null
}

/** By its attributes: a field may be called `action`. A button may lead elsewhere. */
function staysHere(form: HTMLFormElement): boolean {
  const action = form.getAttribute('action')
  if (action !== null && action !== '' && addressOf(action, document.baseURI) === null) return false
  for (const button of document.querySelectorAll<HTMLButtonElement | HTMLInputElement>('[formaction]'))
    if (button.form === form && addressOf(button.getAttribute('formaction'), document.baseURI) === null) return false
  return true
}
