/** Things that happen, for those who wait for them. */
export class Queue<T> {
  readonly all: T[] = []
  readonly #waiting: ((item: T) => void)[] = []
  #taken = 0

  push(item: T): void {
    this.all.push(item)
    const wake = this.#waiting.shift()
    if (wake !== undefined) wake(this.all[this.#taken++]!)
  }

  /** The oldest one that nobody has taken. */
  next(): Promise<T> {
    if (this.#taken < this.all.length) return Promise.resolve(this.all[this.#taken++]!)
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}
