import { randomBytes } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { ClientSocket } from './client-socket.ts'
import { Peer, type Outcome } from './connection.ts'
import type { Hub } from './hub.ts'
import { Link } from './link.ts'
import type { LiveSession } from './live-sessions-types.ts'
import { closeCodes, type AnswerError, type SessionGranted } from './protocol.ts'

interface NumberedPeerParts {
  readonly hub: Hub
  readonly live: LiveSession
  readonly request: FastifyRequest
  readonly resumed: boolean
  /** Null: the client does not come again. */
  readonly name: string | null
}

/** How long an acknowledgement may wait for others, ms. */
const acknowledgeWithin = 250

const later = (run: () => void) => {
  const timer = setTimeout(run, acknowledgeWithin).unref()
  return () => clearTimeout(timer)
}

/** Session and name, in one text. */
export const linkKey = (id: string | number, name: string) => `${typeof id === 'number' ? 'n' : 's'}${id} ${name}`

const errors: Readonly<Record<Exclude<Outcome['kind'], 'result' | 'refused'>, AnswerError>> = {
  none: { code: 'no-handler', message: 'no handler' },
  forbidden: { code: 'forbidden', message: 'forbidden' },
  failed: { code: 'internal-error', message: 'internal-error' }
}

const interrupted: AnswerError = { code: 'interrupted', message: 'the server stopped while it was answering' }

/** A client with numbered messages, which outlives its connections. */
export class NumberedPeer {
  readonly peer: Peer
  readonly name: string | null
  /** Nobody else has the same one. */
  readonly holder = randomBytes(9).toString('base64url')
  readonly #hub: Hub
  readonly #link: Link
  readonly #key: string | null
  #socket: ClientSocket | null = null
  #timer: NodeJS.Timeout | null = null
  /** Messages are handled one after another. */
  #turn: Promise<void> = Promise.resolve()
  /** Bytes of messages that are being handled. */
  #pendingSize = 0
  #pending = 0
  /** Questions that are being answered. */
  readonly #asked = new Set<number>()
  /** Up to this number all had been handled before this process knew the link. */
  readonly #handledBefore: number
  /** Up to this number they may have been begun by another process. */
  #replayedUpTo = 0

  constructor({ hub, live, request, resumed, name }: NumberedPeerParts) {
    this.#hub = hub
    this.name = name
    this.#key = name === null ? null : linkKey(live.session.id, name)
    this.#handledBefore = name === null ? 0 : live.handled(name)
    const { maxUnacknowledged: messages, maxUnacknowledgedBytes: size } = hub.options
    this.#link = new Link({ limits: { messages, size }, later, handled: this.#handledBefore, forgotten: resumed })
    this.peer = new Peer({
      hub,
      live,
      request,
      resumed,
      dialect: 'gs-sessions.1',
      link: { name, numbers: this.#link },
      transport: {
        message: (text) => void this.#link.send('message', text),
        saved: (version) => this.#socket?.send(`["saved",${version}]`),
        close: (code, reason) => this.#leave(code, reason)
      }
    })
  }

  get isAttached(): boolean {
    return this.#socket !== null
  }

  /** The client has gone on without it, or has been told to. */
  get isGivenUp(): boolean {
    return this.name !== null && this.peer.live.isGivenUp(this.name)
  }

  /** Everything up to this number is handled. */
  get handled(): number {
    return this.#link.handled
  }

  /** Whether it still has what the client does not have. */
  has(received: number): boolean {
    return this.#link.has(received)
  }

  /** Since when it has no connection is in the order of `hub.links`: those that lose theirs go to the end. */
  get isOver(): boolean {
    return this.peer.isOver
  }

  /**
   * The first connection.
   *
   * @param received of the client; null: the link is a new one
   * @param again the client sends these again
   */
  start(socket: ClientSocket, secret: string | null, received: number | null, again: number): void {
    if (this.#key !== null) this.#hub.links.set(this.#key, this)
    this.#replayedUpTo = again
    if (received !== null) this.#link.resume(received)
    this.#socket = socket
    this.#turn = this.peer.start(() => this.#greet(secret, !this.peer.resumed, received !== null))
  }

  /** Another connection; the former one has nothing to say any more. */
  attach(socket: ClientSocket, secret: string | null, received: number): void {
    this.#detach()?.close(closeCodes.replaced, 'replaced')
    this.peer.request = socket.request
    const lost = this.#link.resume(received)
    this.#socket = socket
    this.#greet(secret, false, lost)
    this.#pressure()
  }

  /** A connection is gone. @param code with which it was closed */
  gone(socket: ClientSocket, code: number): void {
    if (this.#socket !== socket) return
    this.#detach()
    if (this.peer.isOver) return
    // Who says goodbye does not come again.
    if (this.#key === null || code === 1000 || code === closeCodes.broken) return this.drop()
    this.#hub.links.delete(this.#key)
    this.#hub.links.set(this.#key, this)
    this.#timer = setTimeout(() => this.dropAway(), this.#hub.options.linkTimeout * 1000).unref()
  }

  /** Forgets the link. */
  drop(): void {
    this.#forget()
    this.peer.gone()
  }

  /** Forgets the link of a client that may come again: what it has said is not handled twice then. */
  dropAway(): void {
    const { live } = this.peer
    if (this.name !== null)
      live
        .forget(this.name, this.#link.handled)
        .catch((error: unknown) => this.#hub.log.warn({ err: error }, 'what a client has said may be handled again when it comes again'))
    this.drop()
  }

  /** Says what has been handled, because the connection is about to be closed. */
  flush(): void {
    this.#link.flush()
  }

  /** Another one for the same link comes in its place. */
  replace(): void {
    this.#detach()?.close(closeCodes.replaced, 'replaced')
    this.drop()
  }

  /** False: a gap. */
  message(n: number, event: string, args: readonly unknown[], size: number): boolean {
    const taken = this.#link.take(n)
    if (taken !== 'next') return taken === 'again'
    this.#begin(size)
    const task = this.#task(n)
    const run = async () => {
      if (!this.#isIdle) await this.peer.handle(event, args, task)
      this.#settle(n, size)
    }
    this.#turn = this.#turn.then(run)
    return true
  }

  /** False: a gap. */
  ask(n: number, question: string, args: readonly unknown[], size: number): boolean {
    const taken = this.#link.take(n)
    if (taken === 'again' && n <= this.#handledBefore) this.#answer(n, JSON.stringify(interrupted))
    if (taken !== 'next') return taken === 'again'
    this.#begin(size)
    this.#asked.add(n)
    const task = this.#task(n)
    const run = async () => {
      const outcome = this.#isIdle || !this.#asked.has(n) ? null : await this.peer.answer(question, args, task)
      if (this.#asked.delete(n) && outcome !== null) {
        if (outcome.kind === 'result') this.#answer(n, `null,${outcome.text}`)
        else this.#answer(n, JSON.stringify(outcome.kind === 'refused' ? outcome.error : errors[outcome.kind]))
      }
      this.#settle(n, size)
    }
    // After the messages before it; those after it do not wait for the answer.
    void this.#turn.then(run)
    return true
  }

  /** The answer is not wanted. A handler that never ends does not keep back what comes after it. */
  cancel(asked: number): void {
    if (this.#asked.delete(asked)) this.#link.settle(asked)
  }

  /** False: that was never sent. */
  acknowledge(n: number): boolean {
    return this.#link.acknowledge(n)
  }

  /** What waits is for nobody, or comes again on another link. */
  get #isIdle(): boolean {
    return this.peer.isOver || this.isGivenUp
  }

  #task(n: number) {
    return { link: this.#link, n, replayed: n <= this.#replayedUpTo }
  }

  #answer(asked: number, rest: string): void {
    if (!this.peer.isOver) this.#link.send('answer', `${asked},${rest}`)
  }

  #begin(size: number): void {
    this.#pending++
    this.#pendingSize += size
    this.#pressure()
  }

  #settle(n: number, size: number): void {
    this.#pending--
    this.#pendingSize -= size
    this.#link.settle(n)
    this.#pressure()
  }

  #pressure(): void {
    this.#socket?.busyWith(this.#pending, this.#pendingSize)
  }

  #greet(secret: string | null, created: boolean, lost: boolean): void {
    const { live } = this.peer
    const granted: SessionGranted = {
      id: live.session.id,
      ...(secret !== null && { secret }),
      created,
      received: this.#link.handled,
      lost,
      holder: this.holder,
      expiresAt: live.expiresAt
    }
    const socket = this.#socket!
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    socket.send(JSON.stringify(['session', granted]), true)
    let again = true
    this.#link.attach((text) => socket.send(text, again))
    again = false
  }

  #leave(code: number, reason: string): void {
    const socket = this.#detach()
    this.#forget()
    socket?.close(code, reason)
  }

  #detach(): ClientSocket | null {
    const socket = this.#socket
    this.#socket = null
    this.#link.detach()
    return socket
  }

  #forget(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (this.#key !== null && this.#hub.links.get(this.#key) === this) this.#hub.links.delete(this.#key)
  }
}
