import type { AdminPage } from './admin-types.ts'
import type { GsFailure, GsResult } from './api-errors.ts'

/** What is known of a list that comes page by page. */
export interface PagedState<T, P> {
  /** What has come so far, null: nothing yet. It stays while something else is on its way. */
  readonly entries: readonly T[] | null
  /** The page that came last. */
  readonly page: P | null
  readonly busy: boolean
  /** Why the last question failed. */
  readonly failure: GsFailure | null
}

/** Loads a page: the first one, or that which begins there. */
export type LoadPage<P> = (after: string | null) => Promise<GsResult<P>>

/** A list that comes page by page. The answer to an older question is never shown. */
export class PagedList<T, P extends AdminPage> {
  readonly #entriesOf: (page: P) => readonly T[]
  readonly #onChange: (state: PagedState<T, P>) => void
  #load: LoadPage<P> | null = null
  #question: object | null = null
  #state: PagedState<T, P> = { entries: null, page: null, busy: true, failure: null }

  /** @param onChange told of each change */
  constructor(entriesOf: (page: P) => readonly T[], onChange: (state: PagedState<T, P>) => void) {
    this.#entriesOf = entriesOf
    this.#onChange = onChange
  }

  get state(): PagedState<T, P> {
    return this.#state
  }

  /** Loads this list from its beginning, in place of the one before. */
  readonly start = (load: LoadPage<P>): void => {
    this.#load = load
    void this.#ask(null)
  }

  /** What is on its way is not waited for any more. */
  readonly stop = (): void => {
    this.#load = null
    this.#question = null
  }

  readonly showMore = (): void => {
    const next = this.#state.page?.next ?? null
    if (next !== null && this.#question === null) void this.#ask(next)
  }

  /** Asks again from the beginning. */
  readonly reload = (): void => void this.#ask(null)

  /**
   * Asks again for as much as is shown, without a word: when that fails, or is overtaken, nothing changes.
   *
   * @param beforeChange told what is shown next
   */
  readonly refresh = async (beforeChange?: (entries: readonly T[]) => void): Promise<void> => {
    const load = this.#load
    const { entries: shown } = this.#state
    if (load === null || shown === null || this.#question !== null) return
    const entries: T[] = []
    let page: P | null = null
    do {
      const result: GsResult<P> = await load(page === null ? null : page.next)
      if (!result.ok || this.#load !== load || this.#question !== null || this.#state.entries !== shown) return
      page = result.value
      entries.push(...this.#entriesOf(page))
    } while (page.next !== null && entries.length < shown.length)
    beforeChange?.(entries)
    this.#put({ entries, page })
  }

  /** Puts in what is known to have changed. */
  readonly change = (update: (entries: readonly T[]) => readonly T[]): void => {
    const { entries } = this.#state
    if (entries !== null) this.#put({ entries: update(entries) })
    // What is on its way may have been asked before the change.
    if (this.#question !== null) this.reload()
  }

  async #ask(after: string | null): Promise<void> {
    const load = this.#load
    if (load === null) return
    const mine = {}
    this.#question = mine
    this.#put({ busy: true })
    const result = await load(after)
    if (this.#question !== mine) return
    this.#question = null
    if (!result.ok) return this.#put({ busy: false, failure: result.error })
    const page = result.value
    const before = after === null ? [] : (this.#state.entries ?? [])
    this.#put({ busy: false, failure: null, page, entries: [...before, ...this.#entriesOf(page)] })
  }

  #put(changed: Partial<PagedState<T, P>>): void {
    this.#state = { ...this.#state, ...changed }
    this.#onChange(this.#state)
  }
}
