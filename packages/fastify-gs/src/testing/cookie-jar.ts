import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'

const asPage = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }

/** A browser that keeps cookies as browsers do: it forgets what is taken away or old, and, when it is closed, all that has no age. */
export class CookieJar {
  readonly #cookies = new Map<string, { value: string; until: number | null }>()
  readonly #now: () => number
  constructor(now: () => number) {
    this.#now = now
  }

  get(name: string): string | undefined {
    const cookie = this.#cookies.get(name)
    return cookie !== undefined && (cookie.until === null || cookie.until > this.#now()) ? cookie.value : undefined
  }

  set(name: string, value: string): void {
    this.#cookies.set(name, { value, until: null })
  }

  /** As `name=value`; all of them if no names are given. */
  held(...names: string[]): string[] {
    const known = [...this.#cookies.keys()].filter((name) => names.length === 0 || names.includes(name))
    return known.flatMap((name) => (this.get(name) === undefined ? [] : [`${name}=${this.get(name)}`]))
  }

  /** Closes the browser. */
  close(): void {
    for (const [name, { until }] of this.#cookies) if (until === null) this.#cookies.delete(name)
  }

  take(response: LightMyRequestResponse): void {
    for (const { name, value, maxAge } of response.cookies) {
      if (maxAge !== undefined && maxAge <= 0) this.#cookies.delete(name)
      else this.#cookies.set(name, { value, until: maxAge === undefined ? null : this.#now() + maxAge * 1000 })
    }
  }

  /** Sends a request with the cookies of this moment; what the answer brings waits for {@link take}. */
  ask(app: FastifyInstance, options: InjectOptions): Promise<LightMyRequestResponse> {
    const held = this.held()
    return app.inject({ ...options, headers: { ...(held.length > 0 && { cookie: held.join('; ') }), ...options.headers } })
  }

  async send(app: FastifyInstance, options: InjectOptions): Promise<LightMyRequestResponse> {
    const response = await this.ask(app, options)
    this.take(response)
    return response
  }

  /** Opens a page as a person does. */
  visit(app: FastifyInstance, url: string, lost?: 'the answer is lost'): Promise<LightMyRequestResponse> {
    const options = { url, headers: asPage }
    return lost === undefined ? this.send(app, options) : this.ask(app, options)
  }

  post(app: FastifyInstance, url: string, payload: object = {}): Promise<LightMyRequestResponse> {
    return this.send(app, { method: 'POST', url, payload })
  }
}
