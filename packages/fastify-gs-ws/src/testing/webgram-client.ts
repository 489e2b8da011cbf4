import { EventEmitter, once } from 'node:events'
import { WebSocket } from 'ws'

interface Stored {
  readonly id: string | number
  readonly secret: string
}

/**
 * Does on the wire what the published clients of webgram with webgram-sessions do: `0.1.0` gives up at any error, `later` asks for a new session
 * when the old one cannot be resumed. Emits what the server sends by its name; `$in-session`, and `$failed` where the original throws.
 */
export class WebgramClient extends EventEmitter {
  readonly socket: WebSocket
  readonly #storage: Map<string, Stored>
  /** What waits for the session. */
  readonly #waiting: string[] = []
  #inSession = false
  #lastCode = 0

  constructor(address: string, storage: Map<string, Stored>, version: '0.1.0' | 'later') {
    super()
    this.socket = new WebSocket(address)
    this.#storage = storage
    const stored = storage.get(address)
    this.socket.on('open', () => this.#sendNow(stored === undefined ? ['session-create'] : ['session-resume', stored.id, stored.secret]))
    this.socket.on('message', (text: Buffer) => {
      const [name, ...args] = JSON.parse(text.toString()) as [string | number, ...unknown[]]
      this.emit(String(name), ...args)
    })
    this.on('session-ok', (id: string | number, secret?: string) => this.#begin(address, id, secret))
    this.on('session-error', (text: string) => {
      const mayBegin = version === 'later' && ['unknown session-id for resume', 'incorrect-secret'].includes(text)
      if (mayBegin) this.#sendNow(['session-create'])
      else this.emit('$failed', `login failed: ${text}`)
    })
  }

  /** Waits for the session, as the clients' buffers do. */
  send(event: string, ...args: unknown[]): void {
    if (this.#inSession) this.#sendNow([event, ...args])
    else this.#waiting.push(JSON.stringify([event, ...args]))
  }

  async ask(question: string, ...args: unknown[]): Promise<unknown> {
    const code = ++this.#lastCode
    const answered = once(this, String(code)) as Promise<[error: unknown, result: unknown]>
    this.send('ask', code, question, ...args)
    const [error, result] = await answered
    if (error) throw Object.assign(new Error('refused'), { cause: error })
    return result
  }

  async close(): Promise<void> {
    const closed = once(this.socket, 'close')
    this.socket.close()
    await closed
  }

  #begin(address: string, id: string | number, secret: string | undefined): void {
    if (secret !== undefined) this.#storage.set(address, { id, secret })
    // The originals never empty this buffer.
    for (const text of this.#waiting) this.socket.send(text)
    this.#inSession = true
    this.emit('$in-session')
  }

  #sendNow(frame: readonly unknown[]): void {
    this.socket.send(JSON.stringify(frame))
  }
}
