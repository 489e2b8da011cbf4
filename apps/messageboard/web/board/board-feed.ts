import type { Post } from '../../src/messages/protocol.ts'
import type { BoardCalls, CallResult } from './board-calls.ts'
import { BoardSocket, type BoardSocketOptions, type Connection } from './board-socket.ts'
import type { UnsentText } from './draft.ts'
import type { FeedState, ShownPost, UnsentPost } from './feed-state.ts'
import { parseFrame } from './frames.ts'

export interface BoardFeedOptions extends Pick<BoardSocketOptions, 'onRefused' | 'backOff'> {
  /** Where the websocket is. */
  readonly url: string
  readonly calls: BoardCalls
  /** Texts that an earlier page could not send. The latest are sent now, under the same ids and so once; the others wait for a word. */
  readonly unsent?: readonly UnsentText[]
  /** Called with what the board does not have yet, whenever that changes. */
  readonly keepUnsent?: (texts: readonly UnsentText[]) => void
  /** How long a post may stay without an answer before the connection counts as dead, in ms. Default: 10 s. */
  readonly patience?: number
}

/** More posts do not fit on the page. */
const mostPosts = 10_000

/** A text that an earlier page could not send is sent without a question when it is not older, in ms. */
const stillMeant = 10 * 60_000

/** Posts that wait for an answer at a time, which is no flood. */
const mostGiven = 5

/** Refusals of the person, not of the text. */
const notAllowed = (code: string) => code.startsWith('GS_') || code === 'BOARD_NOT_ALLOWED' || code === 'BOARD_ACCOUNT_GONE'

/** Statuses of a server, or a proxy before it, that will soon do its work again. */
const outage = (status: number) => status === 0 || status === 502 || status === 503 || status === 504

/** The live board. Connected while anybody listens; misses no post and shows none twice. */
export class BoardFeed {
  #state: FeedState = {
    connection: 'connecting',
    loaded: false,
    posts: [],
    older: false,
    loadingOlder: 'no',
    unsent: [],
    people: null
  }
  readonly #options: Required<Omit<BoardFeedOptions, 'backOff'>>
  readonly #listeners = new Set<() => void>()
  readonly #socket: BoardSocket
  /** Newest change that is in the state; null before the first. */
  #seq: number | null = null
  /** What the board calls the history of that change. */
  #history = ''
  #mask: number | null = null
  #mayModerate = false
  /** The board has greeted on this socket, and takes posts. */
  #greeted = false
  /** Unsent posts that went over this socket. */
  readonly #given = new Set<string>()
  #impatience: ReturnType<typeof setTimeout> | undefined
  /** The unsent post that is on its way over HTTP. */
  #posting: string | null = null
  /** Grows when the posts begin anew, and what was asked before does not fit any more. */
  #generation = 0
  /** Posts that must not come back with an answer that was on its way when they were deleted. */
  readonly #deleted = new Set<number>()

  constructor({ backOff, ...options }: BoardFeedOptions) {
    this.#options = { unsent: [], keepUnsent: () => {}, patience: 10_000, ...options }
    this.#state = { ...this.#state, unsent: this.#options.unsent.map(restore) }
    this.#socket = new BoardSocket({
      url: () => (this.#seq === null ? options.url : `${options.url}?after=${this.#seq}&history=${this.#history}`),
      onFrame: (data) => this.#onFrame(data),
      onConnection: (connection) => this.#onConnection(connection),
      onRefused: options.onRefused,
      ...(backOff && { backOff })
    })
  }

  readonly getSnapshot = (): FeedState => this.#state

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    if (this.#listeners.size === 1) this.#socket.start()
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size > 0) return
      this.#socket.stop()
      this.#forgetSocket()
    }
  }

  /** The network or the page came back. */
  readonly wake = (): void => this.#socket.wake()

  /** Tells which rights the session has. With other ones a board that was closed may be open again. */
  readonly setMask = (mask: number): void => {
    const changed = this.#mask !== null && this.#mask !== mask
    this.#mask = mask
    if (changed && this.#state.connection === 'closed') this.#socket.wake()
  }

  /** Shows a text at once, and sends it as soon as the board can be reached. */
  readonly post = (content: string): void => {
    this.#setUnsent([...this.#state.unsent, { id: createId(), content, at: Date.now(), state: 'sending' }])
    this.#sendAll()
  }

  /** Sends again what was refused. */
  readonly retry = (id: string): void => {
    this.#changeUnsent(id, { state: 'sending' })
    this.#sendAll()
  }

  /** Forgets what was refused. */
  readonly discard = (id: string): void => {
    this.#setUnsent(this.#state.unsent.filter((post) => post.id !== id))
  }

  /** Deletes a post for everybody. */
  readonly remove = async (idx: number): Promise<CallResult<true>> => {
    const result = await this.#options.calls.remove(idx)
    if (result.ok) this.#removePost(idx)
    else if (result.status === 401) void this.#options.onRefused()
    return result
  }

  /** Loads the posts before the oldest one. */
  readonly loadOlder = async (): Promise<void> => {
    const { loaded, older, loadingOlder, posts } = this.#state
    if (!loaded || older !== true || loadingOlder === 'yes') return
    await this.#load(posts.at(-1)?.idx)
  }

  async #load(before: number | undefined): Promise<void> {
    const generation = this.#generation
    this.#set({ loadingOlder: 'yes' })
    const result = await this.#options.calls.findOlder(before)
    if (generation !== this.#generation) return
    if (!result.ok) {
      this.#set({ loadingOlder: 'failed' })
      if (result.status === 401 || result.status === 403) void this.#options.onRefused()
      return
    }
    const known = new Set(this.#state.posts.map(({ idx }) => idx))
    const found = result.value.posts.filter(({ idx }) => !known.has(idx) && !this.#deleted.has(idx))
    const posts = [...this.#state.posts, ...found.toReversed()].sort((a, b) => b.idx - a.idx)
    const full = posts.length >= mostPosts
    this.#set({ posts, older: result.value.older && (full ? 'full' : true), loadingOlder: 'no', loaded: true })
  }

  #onConnection(connection: Connection): void {
    this.#forgetSocket()
    // It is lost until there is another one.
    if (connection !== 'connecting' || this.#state.connection !== 'waiting') this.#set({ connection })
    // Some networks let pages through, and websockets not.
    if (connection === 'waiting') {
      if (!this.#state.loaded && this.#state.loadingOlder !== 'yes') void this.#load(undefined)
      this.#sendAll()
    }
  }

  #forgetSocket(): void {
    this.#greeted = false
    this.#given.clear()
    clearTimeout(this.#impatience)
    this.#impatience = undefined
  }

  #onFrame(data: unknown): void {
    const frame = parseFrame(data)
    if (frame === null) return
    switch (frame.type) {
      case 'hello':
        this.#greeted = true
        this.#history = frame.history ?? this.#history
        this.#setRights(frame.mayModerate)
        // Who comes for the first time gets the posts next.
        if (this.#seq !== null) this.#set({ connection: 'live' })
        this.#sendAll()
        break
      case 'reset':
        this.#seq = frame.seq
        this.#history = frame.history
        this.#generation++
        this.#deleted.clear()
        this.#set({ connection: 'live', loaded: true, posts: frame.posts.toReversed(), older: frame.older, loadingOlder: 'no' })
        break
      case 'post':
        if (this.#isNew(frame.seq)) this.#addPost(frame.post)
        break
      case 'deleted':
        if (this.#isNew(frame.seq)) this.#removePost(frame.idx)
        break
      case 'presence':
        this.#set({ people: frame.people })
        break
      case 'rights':
        this.#setRights(frame.mayModerate)
        break
      case 'done':
        this.#onDone(frame.id, frame.idx)
        break
      case 'refused':
        this.#onUnsentRefused(frame.id, frame.message)
        if (notAllowed(frame.code)) void this.#options.onRefused()
        break
    }
  }

  #isNew(seq: number): boolean {
    if (this.#seq !== null && seq <= this.#seq) return false
    this.#seq = seq
    return true
  }

  #addPost(post: Post): void {
    const { posts, unsent } = this.#state
    if (posts.some(({ idx }) => idx === post.idx)) return
    const sentAs = post.own ? this.#findSent(post)?.id : undefined
    const shown: ShownPost = sentAs === undefined ? { ...post, arrived: true } : { ...post, sentAs }
    const all = [shown, ...posts].sort((a, b) => b.idx - a.idx)
    this.#set({
      posts: all.slice(0, mostPosts),
      ...(all.length > mostPosts && { older: 'full' }),
      unsent: unsent.filter(({ id, state }) => !(state === 'sent' && id === sentAs))
    })
  }

  /** Which of the unsent posts that one is: the board's answer and the post itself may come in either order. */
  #findSent({ idx, content }: Post): UnsentPost | undefined {
    const { unsent, posts } = this.#state
    const taken = new Set(posts.map(({ sentAs }) => sentAs))
    return (
      unsent.find((post) => post.idx === idx) ??
      unsent.find(
        (post) =>
          post.state === 'sending' &&
          post.content === content &&
          !taken.has(post.id) &&
          (this.#given.has(post.id) || post.id === this.#posting)
      )
    )
  }

  #removePost(idx: number): void {
    this.#deleted.add(idx)
    const { posts, unsent } = this.#state
    if (posts.some((post) => post.idx === idx)) this.#set({ posts: posts.filter((post) => post.idx !== idx) })
    if (unsent.some((post) => post.idx === idx)) this.#setUnsent(unsent.filter((post) => post.idx !== idx))
  }

  #setRights(mayModerate: boolean): void {
    if (mayModerate === this.#mayModerate) return
    this.#mayModerate = mayModerate
    this.#set({ posts: this.#state.posts.map((post) => ({ ...post, deletable: post.own || mayModerate })) })
  }

  #sendAll(): void {
    const waiting = this.#state.unsent.filter(({ state }) => state === 'sending')
    if (!this.#greeted) {
      if (waiting[0] !== undefined && this.#state.connection !== 'throttled') void this.#postOverHttp(waiting[0])
      return
    }
    for (const { id, content } of waiting) {
      if (this.#given.size >= mostGiven) break
      if (this.#given.has(id) || id === this.#posting || !this.#socket.send(JSON.stringify({ type: 'post', id, msg: content }))) continue
      this.#given.add(id)
      this.#impatience ??= setTimeout(() => this.#socket.renew(), this.#options.patience)
    }
  }

  async #postOverHttp({ id, content }: UnsentPost): Promise<void> {
    if (this.#posting !== null) return
    this.#posting = id
    const result = await this.#options.calls.post(id, content)
    this.#posting = null
    if (result.ok) this.#onDone(id, result.value)
    else if (result.status === 401 || outage(result.status)) {
      // It stays as it is, for the time after the next login or the outage.
      if (result.status === 401) void this.#options.onRefused()
      if (this.#greeted) this.#sendAll()
      return
    } else {
      this.#onUnsentRefused(id, result.message)
      if (result.status === 403) void this.#options.onRefused()
    }
    if (!this.#greeted && this.#listeners.size > 0) this.#sendAll()
  }

  #onDone(id: string, idx: number): void {
    const { unsent, posts } = this.#state
    const shown = posts.some((post) => post.idx === idx)
    // A post that the board has had for long is on a page of the history, or was deleted.
    const old = this.#deleted.has(idx) || (posts[0] !== undefined && idx < posts[0].idx)
    if (shown) this.#set({ posts: posts.map((post) => (post.idx === idx ? { ...post, sentAs: id } : post)) })
    if (shown || old) this.#setUnsent(unsent.filter((post) => post.id !== id))
    else this.#changeUnsent(id, { state: 'sent', idx })
    this.#answered(id)
  }

  #onUnsentRefused(id: string, reason: string): void {
    this.#changeUnsent(id, { state: 'refused', reason })
    this.#answered(id)
  }

  #answered(id: string): void {
    this.#given.delete(id)
    clearTimeout(this.#impatience)
    this.#impatience = this.#given.size > 0 ? setTimeout(() => this.#socket.renew(), this.#options.patience) : undefined
    if (this.#greeted) this.#sendAll()
  }

  #changeUnsent(id: string, change: Pick<UnsentPost, 'state' | 'reason' | 'idx'>): void {
    this.#setUnsent(this.#state.unsent.map((post) => (post.id === id ? { id, content: post.content, at: post.at, ...change } : post)))
  }

  #setUnsent(unsent: readonly UnsentPost[]): void {
    this.#set({ unsent })
    this.#options.keepUnsent(unsent.filter(({ state }) => state !== 'sent').map(({ id, content, at }) => ({ id, content, at })))
  }

  #set(change: Partial<FeedState>): void {
    this.#state = { ...this.#state, ...change }
    for (const listener of this.#listeners) listener()
  }
}

/** Nobody expects that a text of yesterday is posted now. */
function restore(text: UnsentText): UnsentPost {
  const late = Date.now() - text.at > stillMeant
  return late ? { ...text, state: 'refused', reason: 'This could not be sent when it was written.' } : { ...text, state: 'sending' }
}

/** Random enough that no other post of the same author has it; also where the page comes over plain http. */
function createId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
