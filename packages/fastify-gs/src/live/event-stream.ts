import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'

/** A page's stream of server-sent events. Writing to one that is closed does nothing. */
export interface EventStream {
  /** Sends one event with JSON data. `id`: what a browser that comes back says it heard last; no line breaks. */
  readonly send: (event: string, data: object, id: string) => void
  /** Ends it; what is sent already still arrives, if the reader takes it soon. `retry`: when the browser shall come again, ms. Default: 2000. */
  readonly end: (retry?: number) => void
}

/** After a break the browser comes again so much later, ms. */
const retryAfter = 2000
/** What may wait for a reader, besides what the operating system holds for it. A reader who takes nothing must not fill the memory. */
const bufferLimit = 65_536
/** How long a reader may take for the rest after the end, ms. */
const endLimit = 1000

/**
 * Answers with a stream of server-sent events.
 *
 * @param onClose called once when it is over, whoever ended it
 * @param heartbeatInterval between two comments, ms. Default: 20000
 */
export function openEventStream(
  response: ServerResponse,
  headers: OutgoingHttpHeaders,
  onClose: () => void,
  heartbeatInterval = 20_000
): EventStream {
  const write = (text: string) => {
    if (response.writableEnded || response.destroyed) return
    response.write(text)
    if (response.writableLength > bufferLimit) response.destroy()
  }
  // A stream without news is not idle.
  response.setTimeout(0)
  response.writeHead(200, headers)
  write(`retry: ${retryAfter}\n\n`)
  // Comments keep proxies from taking the connection for a dead one, and show where nobody is any more.
  const heartbeat = setInterval(write, heartbeatInterval, ':\n\n').unref()
  let ending: NodeJS.Timeout | undefined
  response.on('error', () => undefined)
  response.once('close', () => {
    clearInterval(heartbeat)
    clearTimeout(ending)
    onClose()
  })
  return {
    // JSON has no line breaks, which would end the event.
    send: (event, data, id) => write(`event: ${event}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`),
    end(retry) {
      if (response.writableEnded || response.destroyed) return
      if (retry !== undefined) write(`retry: ${retry}\n\n`)
      clearInterval(heartbeat)
      response.end()
      ending = setTimeout(() => response.destroy(), endLimit).unref()
    }
  }
}
