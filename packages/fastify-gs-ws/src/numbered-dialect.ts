import type { ClientSocket, Dialect } from './client-socket.ts'
import { createSession, refusalOf, resumeSession, type Granted, type Refusal } from './grant.ts'
import type { Hub } from './hub.ts'
import { linkKey, NumberedPeer } from './numbered-peer.ts'
import { parseFrame } from './parse-frame.ts'
import { closeCodes, isName, type SessionErrorCode } from './protocol.ts'

/** Frames that wait for the session which the client has asked for. */
const maxHeld = 1000
const maxHeldSize = 1_048_576

const isNumber = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0
/** One that others can follow. */
const isReceived = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 52
const isLink = (value: unknown): value is string => typeof value === 'string' && /^[\w-]{22}$/.test(value)
/** As our `session` has said it: only compared. */
const isHolder = (value: unknown): value is string => typeof value === 'string' && value !== ''
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const codes: Readonly<Record<Refusal, SessionErrorCode>> = {
  unknown: 'unknown',
  'wrong-secret': 'unknown',
  busy: 'busy',
  limit: 'limit',
  data: 'limit'
}

/** The link for which a client wants a session. */
interface Wanted {
  /** Null: the client does not come again. */
  readonly name: string | null
  /** Null: it is a new one. */
  readonly received: number | null
  /** Who has had it; null: it was never used. */
  readonly holder: string | null
  readonly again: number
}

/** A connection that speaks `gs-sessions.1`. */
export class NumberedDialect implements Dialect {
  readonly #hub: Hub
  readonly #socket: ClientSocket
  readonly #owner: string | null
  #peer: NumberedPeer | null = null
  /** A session is being looked for: what comes waits. */
  #busy = false
  #held: { readonly frame: readonly unknown[]; readonly size: number }[] = []
  #heldSize = 0

  constructor(hub: Hub, socket: ClientSocket, owner: string | null) {
    this.#hub = hub
    this.#socket = socket
    this.#owner = owner
  }

  isIn(): boolean {
    return this.#peer !== null
  }

  gone(code: number): void {
    this.#held = []
    this.#peer?.gone(this.#socket, code)
  }

  receive(data: Buffer, isBinary: boolean): void {
    const frame = isBinary ? null : parseFrame(data.toString())
    if (frame === null) return this.#broken('frame')
    if (!this.#busy) return this.#take(frame, data.length)
    this.#held.push({ frame, size: data.length })
    this.#heldSize += data.length
    if (this.#held.length > maxHeld || this.#heldSize > maxHeldSize) this.#socket.close(closeCodes.policy, 'too much without a session')
  }

  #take(frame: readonly unknown[], size: number): void {
    if (!(this.#peer === null ? this.#enter(frame) : this.#obey(this.#peer, frame, size))) this.#broken('frame')
  }

  /** False: no such frame. */
  #enter([word, about = {}, ...more]: readonly unknown[]): boolean {
    if (more.length > 0 || !isObject(about)) return false
    const { fromClient, holder, id, link, received, secret } = about
    // Numbers that are sent again after another process may have begun with them.
    const again = isReceived(about['again']) ? about['again'] : 0
    const call = { request: this.#socket.request, owner: this.#owner, dialect: 'gs-sessions.1' } as const
    if (word === 'create') {
      if (link !== undefined && !isLink(link)) return false
      void this.#join(createSession(this.#hub, call, fromClient), { name: link ?? null, received: null, holder: null, again })
      return true
    }
    if (word !== 'resume' || !isLink(link) || !isReceived(received)) return false
    void this.#join(resumeSession(this.#hub, call, id, secret), {
      name: link,
      received,
      holder: isHolder(holder) ? holder : null,
      again
    })
    return true
  }

  async #join(asked: Promise<Granted | Refusal>, wanted: Wanted): Promise<void> {
    this.#busy = true
    let result = await asked
    if (typeof result !== 'string' && !this.#socket.isClosed) result = await this.#fence(result, wanted)
    this.#busy = false
    if (this.#socket.isClosed) return
    const refusal = typeof result === 'string' ? result : this.#admit(result, wanted)
    const held = this.#held
    this.#held = []
    this.#heldSize = 0
    if (refusal !== null) {
      this.#socket.send(`["error","${codes[refusal]}"]`)
      if (refusal === 'unknown' || refusal === 'wrong-secret') this.#socket.fault()
      // What came after the question was for the session that it did not get.
      return
    }
    for (const { frame, size } of held) {
      if (this.#socket.isClosed) return
      this.#take(frame, size)
    }
  }

  /** A link that was somewhere else, or of which something is gone, is given up first: nobody may save effects of messages that come again on another one. */
  async #fence(granted: Granted, { name, received, holder }: Wanted): Promise<Granted | Refusal> {
    const { live } = granted
    if (name === null || received === null || holder === null) return granted
    const key = linkKey(live.session.id, name)
    const known = this.#hub.links.get(key)
    if (known?.holder === holder && known.has(received) && !live.isGivenUp(name)) return granted
    try {
      await live.giveUp(name, known?.holder === holder ? known.handled : 0)
    } catch (error) {
      return live.cause === null ? refusalOf(this.#hub, error) : 'unknown'
    }
    this.#hub.links.get(key)?.replace()
    return granted
  }

  #admit({ live, secret, resumed }: Granted, { name, received, again }: Wanted): Refusal | null {
    if (live.cause !== null) return 'unknown'
    const { links, options } = this.#hub
    const known = name === null ? undefined : links.get(linkKey(live.session.id, name))
    if (known !== undefined && received !== null) {
      this.#peer = known
      known.attach(this.#socket, secret, received)
      return null
    }
    if (live.session.connections.size >= options.perSession && !this.#dropOldest(live.session.id)) return 'limit'
    const peer = new NumberedPeer({ hub: this.#hub, live, request: this.#socket.request, resumed, name })
    this.#peer = peer
    peer.start(this.#socket, secret, received, again)
    return null
  }

  /** Forgets the link of the session that has been without connection longest. False: all have one. */
  #dropOldest(id: string | number): boolean {
    for (const peer of this.#hub.links.values()) {
      if (peer.isAttached || peer.peer.live.session.id !== id) continue
      peer.dropAway()
      return true
    }
    return false
  }

  /** False: no such frame. */
  #obey(peer: NumberedPeer, frame: readonly unknown[], size: number): boolean {
    const [word, n, name, ...args] = frame
    switch (word) {
      case 'message':
      case 'ask':
        if (!isNumber(n) || !isName(name)) return false
        if (peer.isGivenUp) this.#broken('given up')
        else if (!(word === 'ask' ? peer.ask(n, name, args, size) : peer.message(n, name, args, size))) this.#broken('gap')
        return true
      case 'cancel':
        if (!isNumber(n) || frame.length > 2) return false
        peer.cancel(n)
        return true
      case 'ack':
        if (!isReceived(n) || frame.length > 2) return false
        if (!peer.acknowledge(n)) this.#broken('ack')
        return true
      case 'end':
        if (frame.length > 1) return false
        void peer.peer.end().catch((error: unknown) => this.#hub.log.warn({ err: error }, 'a session could not be ended'))
        return true
      case 'ping':
        if (frame.length > 1) return false
        this.#socket.send('["pong"]')
        return true
      default:
        return false
    }
  }

  #broken(reason: string): void {
    this.#socket.close(closeCodes.broken, reason)
  }
}
