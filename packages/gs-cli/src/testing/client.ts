import { once } from 'node:events'
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
  readonly location: string | undefined
}

interface Options {
  readonly port: number
  /** The Host header, without port. */
  readonly host: string
  /** Over TLS: what is trusted and shown. */
  readonly tls?: { readonly ca?: string; readonly key?: string; readonly cert?: string; readonly servername?: string }
}

/** A browser without scripts, as far as a server can tell: an origin, cookies, forms. It follows nothing by itself. */
export class Client {
  readonly origin: string
  readonly cookies = new Map<string, string>()
  readonly #options: Options
  readonly #agent: HttpAgent

  constructor(t: TestContext, options: Options) {
    const { host, port, tls } = options
    this.#options = options
    this.origin = `${tls === undefined ? 'http' : 'https'}://${host}:${port}`
    this.#agent = tls === undefined ? new HttpAgent({ keepAlive: true }) : new HttpsAgent({ keepAlive: true, servername: host, ...tls })
    t.after(() => this.#agent.destroy())
  }

  /** Sends a request and gives the answer while its body is still on the way. */
  async open(method: string, path: string, headers: Record<string, string> = {}, body?: string): Promise<IncomingMessage> {
    const { host, port, tls } = this.#options
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const options: RequestOptions = {
      host: '127.0.0.1',
      port,
      method,
      path,
      agent: this.#agent,
      headers: { host: `${host}:${port}`, ...(cookie !== '' && { cookie }), ...headers }
    }
    const request = tls === undefined ? httpRequest(options) : httpsRequest(options)
    request.end(body)
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    for (const set of response.headers['set-cookie'] ?? []) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(set)!
      if (value === '' || /Max-Age=0\b/i.test(set)) this.cookies.delete(name!)
      else this.cookies.set(name!, value!)
    }
    return response
  }

  async send(method: string, path: string, headers?: Record<string, string>, body?: string): Promise<Answer> {
    const response = await this.open(method, path, headers, body)
    return { status: response.statusCode!, headers: response.headers, body: await text(response), location: response.headers.location }
  }

  /** As a person opens a page. */
  get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.send('GET', path, { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'none', ...headers })
  }

  /** As a form of a page of this site is sent. */
  post(path: string, fields: Record<string, string>): Promise<Answer> {
    const headers = {
      accept: 'text/html',
      'content-type': 'application/x-www-form-urlencoded',
      origin: this.origin,
      'sec-fetch-mode': 'navigate',
      'sec-fetch-site': 'same-origin'
    }
    const body = new URLSearchParams(fields).toString()
    return this.send('POST', path, { ...headers, 'content-length': String(Buffer.byteLength(body)) }, body)
  }

  /** Opens a page and sends the form on it whose action ends so, with these fields filled in; gives the path where that leads. */
  async submit(page: string, action: string, fields: Record<string, string> = {}): Promise<Answer & { readonly path: string }> {
    const { body, status } = await this.get(page)
    const form = [...body.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)].find(([, attributes]) =>
      new URL(unescape(attribute(attributes!, 'action') ?? ''), this.origin + page).pathname.endsWith(action)
    )
    if (form === undefined) throw new Error(`${page} (${status}) has no form for ${action}:\n${body}`)
    const hidden: Record<string, string> = {}
    for (const [, attributes] of form[2]!.matchAll(/<input\b([^>]*)>/gi)) {
      if (attribute(attributes!, 'type') === 'hidden')
        hidden[attribute(attributes!, 'name')!] = unescape(attribute(attributes!, 'value') ?? '')
    }
    const target = new URL(unescape(attribute(form[1]!, 'action') ?? ''), this.origin + page)
    const answer = await this.post(target.pathname + target.search, { ...hidden, ...fields })
    const led = new URL(answer.location ?? '', target)
    return { ...answer, path: led.origin === this.origin ? led.pathname + led.search : led.href }
  }

  /** The user name of whom the server takes this client for. */
  async whoIs(): Promise<string | null> {
    return (await this.#session()).username
  }

  /** The public id of the session. */
  async sessionId(): Promise<string> {
    return (await this.#session()).session
  }

  async #session() {
    const { body } = await this.send('GET', '/lwsgs/session')
    return JSON.parse(body) as { username: string | null; session: string }
  }
}

const attribute = (attributes: string, name: string) => new RegExp(`\\b${name}\\s*=\\s*"([^"]*)"`, 'i').exec(attributes)?.[1]

const unescape = (html: string) =>
  html.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
