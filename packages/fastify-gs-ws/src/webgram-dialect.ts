import { isUtf8 } from 'node:buffer'
import type { ClientSocket, Dialect } from './client-socket.ts'
import { Peer, type Outcome, type Transport } from './connection.ts'
import { createSession, resumeSession, type Granted, type Refusal } from './grant.ts'
import type { Hub } from './hub.ts'
import { parseFrame } from './parse-frame.ts'
import { closeCodes, isName } from './protocol.ts'

interface Held {
  readonly frame: readonly unknown[]
  readonly size: number
}

/** What may wait for a session. */
const maxHeld = 1000
const maxHeldSize = 1_048_576

const isSessionWord = (word: unknown) => word === 'session-create' || word === 'session-resume'
const isId = (value: unknown) => Number.isSafeInteger(value) || (typeof value === 'string' && value !== '')
const isCode = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0

const errorTexts: Readonly<Record<Refusal | 'none', string>> = {
  unknown: 'unknown session-id for resume',
  'wrong-secret': 'incorrect-secret',
  busy: 'internal-error',
  limit: 'internal-error',
  data: 'internal-error',
  none: 'internal-error'
}

const refusals = { none: '"no handler"', forbidden: '{"message":"forbidden"}', failed: '{"message":"internal-error"}' } as const

/** What follows the code in an answer, JSON. */
function answerText(outcome: Outcome): string {
  if (outcome.kind === 'result') return `null,${outcome.text}`
  return outcome.kind === 'refused' ? JSON.stringify({ message: outcome.error.message }) : refusals[outcome.kind]
}

/** A connection that speaks as webgram-sessions does. */
export class WebgramDialect implements Dialect {
  readonly #hub: Hub
  readonly #socket: ClientSocket
  readonly #owner: string | null
  #peer: Peer | null = null
  /** A session is being looked for, or the application is being told of it: all that comes waits. */
  #busy = false
  #held: Held[] = []
  #heldSize = 0
  /** Messages and questions that are not done, and their bytes. */
  #pending = 0
  #pendingSize = 0
  /** Messages are handled one after another. */
  #turn: Promise<void> = Promise.resolve()
  /** Questions that are being answered. */
  readonly #asked = new Set<number>()

  constructor(hub: Hub, socket: ClientSocket, owner: string | null) {
    this.#hub = hub
    this.#socket = socket
    this.#owner = owner
  }

  isIn(): boolean {
    return this.#peer !== null
  }

  gone(): void {
    this.#held = []
    this.#asked.clear()
    this.#peer?.gone()
  }

  receive(data: Buffer, isBinary: boolean): void {
    const frame = isBinary && !isUtf8(data) ? null : parseFrame(data.toString())
    if (frame === null) return this.#socket.fault()
    const [word] = frame
    if (word === 'webgram-ping')
      return this.#send(`["webgram-pong"${frame.length > 1 ? `,${JSON.stringify(frame.slice(1)).slice(1)}` : ']'}`)
    const isFrame =
      isSessionWord(word) || (word === 'ask' ? isCode(frame[1]) && isName(frame[2]) : word === 'cancel' ? isCode(frame[1]) : isName(word))
    if (!isFrame) return this.#socket.fault()
    if (this.#busy || (this.#peer === null && !isSessionWord(word))) return this.#hold(frame, data.length)
    this.#take(frame, data.length)
  }

  #hold(frame: readonly unknown[], size: number): void {
    this.#held.push({ frame, size })
    this.#heldSize += size
    if (this.#held.length > maxHeld || this.#heldSize > maxHeldSize) this.#socket.close(closeCodes.policy, 'too much without a session')
  }

  #take(frame: readonly unknown[], size: number): void {
    const [word, ...args] = frame
    switch (word) {
      case 'session-create':
      case 'session-resume':
        this.#busy = true
        void this.#enter(word, args)
        return
      case 'ask':
        this.#answer(args[0] as number, args[1] as string, args.slice(2), size)
        return
      case 'cancel':
        this.#asked.delete(args[0] as number)
        return
      default:
        this.#handle(word as string, args, size)
    }
  }

  async #enter(word: 'session-create' | 'session-resume', args: readonly unknown[]): Promise<void> {
    const call = { request: this.#socket.request, owner: this.#owner, dialect: 'webgram' } as const
    const [id, secret] = args
    const isPair = isId(id) && typeof secret === 'string' && secret !== ''
    const result = await (word === 'session-create'
      ? createSession(this.#hub, call, args[0])
      : isPair
        ? resumeSession(this.#hub, call, id, secret)
        : 'none')
    if (this.#socket.isClosed) return
    const ready = typeof result === 'string' ? this.#refuse(result) : this.#join(result, id)
    if (ready !== null) await ready
    this.#busy = false
    this.#drain()
  }

  #refuse(refusal: Refusal | 'none'): null {
    this.#send(`["session-error","${errorTexts[refusal]}"]`)
    if (refusal === 'unknown' || refusal === 'wrong-secret' || refusal === 'none') this.#socket.fault()
    return null
  }

  #join({ live, secret, resumed }: Granted, id: unknown): Promise<void> | null {
    if (live.cause !== null) return this.#refuse('unknown')
    if (this.#peer?.live !== live && live.session.connections.size >= this.#hub.options.perSession) return this.#refuse('limit')
    this.#peer?.gone()
    const peer: Peer = new Peer({
      hub: this.#hub,
      live,
      transport: this.#transport(),
      request: this.#socket.request,
      dialect: 'webgram',
      resumed
    })
    this.#peer = peer
    return peer.start(() =>
      this.#send(resumed ? `["session-ok",${JSON.stringify(id)}]` : JSON.stringify(['session-ok', live.session.id, secret]))
    )
  }

  #transport(): Transport {
    return {
      message: (text) => this.#send(`[${text}]`),
      saved: () => undefined,
      close: (code, reason) => this.#socket.close(code, reason)
    }
  }

  #drain(): void {
    while (!this.#busy && this.#held.length > 0 && !this.#socket.isClosed) {
      const at = this.#peer === null ? this.#held.findIndex(({ frame }) => isSessionWord(frame[0])) : 0
      if (at < 0) return
      const [held] = this.#held.splice(at, 1)
      this.#heldSize -= held!.size
      this.#take(held!.frame, held!.size)
    }
  }

  #handle(event: string, args: readonly unknown[], size: number): void {
    const peer = this.#peer!
    this.#count(1, size)
    const run = async () => {
      if (!peer.isOver) await peer.handle(event, args, notNumbered)
      this.#count(-1, -size)
    }
    this.#turn = this.#turn.then(run)
  }

  #answer(code: number, question: string, args: readonly unknown[], size: number): void {
    // Two answers to one question could not be told apart.
    if (this.#asked.has(code)) return this.#socket.fault()
    this.#asked.add(code)
    const peer = this.#peer!
    this.#count(1, size)
    const run = async () => {
      const outcome = peer.isOver || !this.#asked.has(code) ? null : await peer.answer(question, args, notNumbered)
      this.#count(-1, -size)
      // Not if it was cancelled, nor to another session.
      if (this.#asked.delete(code) && outcome !== null && !peer.isOver) this.#send(`[${code},${answerText(outcome)}]`)
    }
    // After the messages before it; those after it do not wait for the answer.
    void this.#turn.then(run)
  }

  #count(change: number, size: number): void {
    this.#pending += change
    this.#pendingSize += size
    this.#socket.busyWith(this.#pending, this.#pendingSize)
  }

  #send(text: string): void {
    this.#socket.send(text)
  }
}

const notNumbered = { link: null, n: 0, replayed: false }
