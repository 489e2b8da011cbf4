/*
 * Numbered messages of one side of a link: what it has sent and the other one has not acknowledged, and what it has received and not handled.
 */

export interface LinkLimits {
  /** Messages that wait for an acknowledgement. */
  readonly messages: number
  /** Characters of them. */
  readonly size: number
}

export interface LinkSettings {
  readonly limits: LinkLimits
  /** Calls once, 250 ms later; gives how to stop that. */
  readonly later: (run: () => void) => () => void
  /** What is known of messages of the other side when the link begins: the last one that was handled. */
  readonly handled?: number
  /** Whether more may have been acknowledged than that, by somebody who has forgotten it. */
  readonly forgotten?: boolean
}

type Word = 'message' | 'ask' | 'answer'

/** One acknowledgement stands for so many messages at most. */
const batch = 16

const frame = (word: Word, n: number, rest: string) => `["${word}",${n},${rest}]`

export class Link {
  readonly #limits: LinkLimits
  readonly #later: LinkSettings['later']
  #write: ((text: string) => void) | null = null
  #sent: { readonly word: Word; readonly rest: string }[] = []
  #size = 0
  /** Number of the first of these. */
  #first = 1
  #received: number
  #handled: number
  /** Handled out of order. */
  readonly #settled = new Set<number>()
  #forgotten: boolean
  #acknowledged = 0
  #stop: (() => void) | null = null

  constructor({ limits, later, handled = 0, forgotten = false }: LinkSettings) {
    this.#limits = limits
    this.#later = later
    this.#received = handled
    this.#handled = handled
    this.#forgotten = forgotten
  }

  /** Number of the last message that was sent. */
  get last(): number {
    return this.#first + this.#sent.length - 1
  }

  /** Everything up to this number is handled. */
  get handled(): number {
    return this.#handled
  }

  /** What waits for an acknowledgement, characters. */
  get size(): number {
    return this.#size
  }

  /**
   * Keeps a message until it is acknowledged, and sends it if there is a connection. When too much waits, the oldest ones are given up.
   *
   * @param rest the frame behind the number, JSON without brackets
   * @returns its number
   */
  send(word: Word, rest: string): number {
    this.#sent.push({ word, rest })
    this.#size += rest.length
    let over = 0
    while (this.#sent.length - over > 1 && (this.#sent.length - over > this.#limits.messages || this.#size > this.#limits.size))
      this.#size -= this.#sent[over++]!.rest.length
    this.#drop(over)
    this.#write?.(frame(word, this.last, rest))
    return this.last
  }

  /** The other side has handled everything up to `n`. False: that was never sent. */
  acknowledge(n: number): boolean {
    if (n > this.last) return false
    const count = n - this.#first + 1
    for (let index = 0; index < count; index++) this.#size -= this.#sent[index]!.rest.length
    if (count > 0) this.#drop(count)
    return true
  }

  /** Whether nothing is gone that was sent after `n`. */
  has(n: number): boolean {
    return n >= this.#first - 1 && n <= this.last
  }

  /**
   * The other side comes again, and has everything up to `n`. True: some of what was sent after that is gone; what is left gets the numbers
   * from `n` + 1 on.
   */
  resume(n: number): boolean {
    if (this.has(n)) {
      this.acknowledge(n)
      return false
    }
    this.#first = n + 1
    return true
  }

  /** There is a connection: sends again what was not acknowledged. */
  attach(write: (text: string) => void): void {
    this.#write = write
    // What was acknowledged on another connection may not have arrived.
    this.#acknowledged = this.#handled
    for (const [index, { word, rest }] of this.#sent.entries()) write(frame(word, this.#first + index, rest))
  }

  detach(): void {
    this.#write = null
    this.#stop?.()
    this.#stop = null
  }

  /** A message has come: whether it is to be handled, was here before, or is not the next one. */
  take(n: number): 'next' | 'again' | 'gap' {
    if (n <= this.#received) {
      if (n <= this.#handled) this.#due(true)
      return 'again'
    }
    if (n !== this.#received + 1) {
      if (!this.#forgotten) return 'gap'
      // Everything before was acknowledged.
      this.#received = n - 1
      this.#handled = n - 1
      this.#acknowledged = n - 1
    }
    this.#forgotten = false
    this.#received = n
    return 'next'
  }

  /** A message is handled. */
  settle(n: number): void {
    if (n <= this.#handled || n > this.#received) return
    this.#settled.add(n)
    while (this.#settled.delete(this.#handled + 1)) this.#handled++
    this.#due(false)
  }

  /** Tells what has not been told yet. */
  flush(): void {
    if (this.#handled > this.#acknowledged) this.#tell()
  }

  #due(again: boolean): void {
    if (this.#write === null) return
    const open = this.#handled - this.#acknowledged
    if (open >= batch) this.#tell()
    else if ((open > 0 || again) && this.#stop === null) this.#stop = this.#later(() => this.#tell())
  }

  #tell(): void {
    this.#stop?.()
    this.#stop = null
    this.#acknowledged = this.#handled
    this.#write?.(`["ack",${this.#handled}]`)
  }

  #drop(count: number): void {
    if (count === 0) return
    this.#sent.splice(0, count)
    this.#first += count
  }
}
