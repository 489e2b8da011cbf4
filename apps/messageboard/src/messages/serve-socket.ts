import type { FastifyRequest } from 'fastify'
import type { RawData, WebSocket } from 'ws'
import type { Board } from './board.ts'
import { FrameInvalid, NotAllowed } from './errors.ts'
import { parseFrame, type ParsedFrame } from './parse-frame.ts'
import { closeCodes, type LiveBoard } from './live.ts'
import type { Visitor } from './messages.ts'
import { currentProtocol, type ClientFrame, type ServerFrame } from './protocol.ts'
import { refusalOf } from './refusals.ts'

export interface BoardSocketServices {
  readonly board: Board
  readonly live: LiveBoard
  readonly visitorOf: (request: FastifyRequest) => Visitor | null
  /** Counts what an account does, on all its sockets and over HTTP. @throws {TooManyPosts | TooManyDeletions} */
  readonly countPost: (request: FastifyRequest) => Promise<void>
  readonly countDeletion: (request: FastifyRequest) => Promise<void>
}

/** Number of the change that a client has; null: none, or something that is no number. */
function afterOf(query: unknown): number | null {
  const { after } = Object(query) as { after?: unknown }
  return typeof after === 'string' && /^\d{1,15}$/.test(after) ? Number(after) : null
}

/** What the client was told to call the history of that change. */
function historyOf(query: unknown): string | null {
  const { history } = Object(query) as { history?: unknown }
  return typeof history === 'string' ? history : null
}

/** A socket of the board that has passed the policy: it listens, and with `messageboard.2` also posts and deletes. */
export function serveSocket(socket: WebSocket, request: FastifyRequest, services: BoardSocketServices): void {
  const { board, countDeletion, countPost, live, visitorOf } = services
  const { protocol } = socket

  const carryOut = async (frame: ClientFrame): Promise<number> => {
    // The rights of this moment: fastify-gs keeps request.gs up to date.
    const visitor = visitorOf(request)
    if (visitor === null) throw new NotAllowed()
    if (frame.type === 'post') {
      await countPost(request)
      return board.post(visitor, frame.msg, frame.id)
    }
    await countDeletion(request)
    await board.remove(visitor, frame.idx)
    return frame.idx
  }

  const answerTo = async (frame: ClientFrame): Promise<ServerFrame> => {
    const { id } = frame
    try {
      return { type: 'done', id, idx: await carryOut(frame) }
    } catch (error) {
      return { type: 'refused', id, ...refusalOf(error, request.log) }
    }
  }

  const handle = async (parsed: NonNullable<ParsedFrame>): Promise<void> => {
    if (socket.readyState !== socket.OPEN) return
    const { log } = request
    const answer: ServerFrame =
      'frame' in parsed
        ? await answerTo(parsed.frame)
        : { type: 'refused', id: parsed.id, ...refusalOf(new FrameInvalid(parsed.problem), log) }
    live.answer(socket, answer)
  }

  // One after the other, so that posts come in the order in which they were sent.
  let work = Promise.resolve()
  socket.on('message', (data: RawData, isBinary: boolean) => {
    // What is still on its way when the socket closes counts no more.
    if (socket.readyState !== socket.OPEN) return
    if (protocol !== currentProtocol) return socket.close(closeCodes.policy, 'this socket only listens')
    const parsed = isBinary ? null : parseFrame((data as Buffer).toString())
    if (parsed === null) return socket.close(closeCodes.policy, `no frame of ${currentProtocol}`)
    work = work.then(() => handle(parsed))
  })
  live.join(socket, { protocol, after: afterOf(request.query), history: historyOf(request.query), visitor: () => visitorOf(request) })
}
