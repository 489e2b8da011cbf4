import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import rateLimit from '@fastify/rate-limit'
import type { FastifyError, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Visit } from 'fastify-gs'
import { isForm } from '../errors.ts'
import { boardPagePath, renderBoardPage, type BoardPage } from './board-page.ts'
import type { Board } from './board.ts'
import type { BoardDatabase } from './database.ts'
import { BodyInvalid, MessageInvalid, NoUpgrade, TooManyDeletions, TooManyPosts, Unavailable, WrongSubprotocol } from './errors.ts'
import type { LiveBoard } from './live.ts'
import { findPage, postFor, type Visitor } from './messages.ts'
import { currentProtocol, originalProtocol, type History } from './protocol.ts'
import { translate } from './refusals.ts'
import { serveSocket } from './serve-socket.ts'

/** Who may read and write the board: logged in (1) and verified (4). */
const verifiedUsers = 5

/** Who may delete the posts of others, besides members of the sector `moderator`. */
const admins = 2

/** The one that the board speaks with a client that offers these. Null: none. */
export function chooseProtocol(offered: ReadonlySet<string>): string | null {
  return [currentProtocol, originalProtocol].find((protocol) => offered.has(protocol)) ?? null
}

/** 4000 code points, each written as twelve bytes (`\ud83d\ude00` in JSON, `%F0%9F%98%80` in a form), and the rest of the body. */
const bodyLimit = 64 * 1024

/** Of one account. Far more than people type, far less than a program can. */
const postsPerMinute = 120
/** Whoever tidies up after a program needs more. */
const deletionsPerMinute = 600

/** Posts of a page, unless more or fewer are asked for. */
const pageLength = 30

const postNumber = { type: 'string', pattern: '^[1-9]\\d{0,14}$' } as const

const postSchema = {
  type: 'object',
  required: ['msg'],
  additionalProperties: false,
  properties: {
    msg: { type: 'string' },
    id: { type: 'string', minLength: 1, maxLength: 64, description: 'made up by the client: the same post sent again is stored once' },
    page: { const: 'board.html', description: 'where a form leads back to; else the start page' },
    send: { type: 'string', description: 'the button of a form; ignored' }
  }
} as const

const historySchema = {
  type: 'object',
  additionalProperties: false,
  properties: { before: postNumber, limit: { type: 'string', pattern: '^([1-9]\\d?|100)$' } }
} as const

const idxSchema = { type: 'object', properties: { idx: postNumber } } as const

const deletionSchema = {
  type: ['object', 'null'],
  additionalProperties: false,
  properties: { before: { ...postNumber, description: 'the page of a form that it leads back to' } }
} as const

interface PostBody {
  readonly msg: string
  readonly id?: string
  readonly page?: 'board.html'
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Fields of a form. Browsers send line ends as CR LF, whatever was typed. */
function parseForm(text: string): Record<string, string> {
  // URLSearchParams would replace damaged characters silently.
  decodeURIComponent(text)
  const fields = new URLSearchParams(text)
  if (new Set(fields.keys()).size !== fields.size) throw new Error('a field occurs twice')
  return Object.fromEntries([...fields].map(([name, value]) => [name, value.replaceAll('\r\n', '\n')]))
}

export interface MessageRoutesOptions {
  readonly board: Board
  readonly db: BoardDatabase
  readonly live: LiveBoard
}

/** The posts over HTTP, the page without scripts, and the websocket `/board`. */
export const messageRoutes: FastifyPluginAsync<MessageRoutesOptions> = async (app, { board, db, live }) => {
  app.setErrorHandler((error: FastifyError, request) => {
    const refusal = translate(error)
    if (refusal instanceof Unavailable) request.log.error({ err: error }, 'the database of the board failed')
    // Goes on to the handler of the whole application.
    throw refusal
  })

  app.removeAllContentTypeParsers()
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    let text
    try {
      text = utf8.decode(body)
    } catch {
      return done(new BodyInvalid('it is not UTF-8.'))
    }
    void parseJson(request, text, done)
  })
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'buffer' }, async (_request: unknown, body: Buffer) => {
    try {
      return parseForm(utf8.decode(body))
    } catch {
      throw new BodyInvalid('it is not a form in UTF-8 with each field once.')
    }
  })

  const known = new WeakMap<Visit, Visitor | null>()
  /** Who the board takes somebody for. Asked for each reader of each post, so it is kept as long as nothing about him changes. */
  const visitorOf = (request: FastifyRequest): Visitor | null => {
    const { gs } = request
    const before = known.get(gs)
    if (before !== undefined) return before
    const { account, mask } = gs
    let visitor: Visitor | null = null
    if (account !== null && (mask & verifiedUsers) === verifiedUsers) {
      const isModerator = app.gs.sessionInfo(request)?.sectors.includes('moderator') ?? false
      visitor = { accountId: account.id, username: account.username, mayModerate: isModerator || (mask & admins) !== 0 }
    }
    known.set(gs, visitor)
    return visitor
  }

  /** Reads a page of posts as the visitor may see them, oldest first. */
  const historyFor = async (visitor: Visitor, before: number | null, count: number): Promise<History> => {
    const { messages, older } = await findPage(db, before === null ? Number.MAX_SAFE_INTEGER : before - 1, count)
    return { posts: messages.map((message) => postFor(visitor, message)), older }
  }

  await app.register(rateLimit, { global: false })
  const countUpTo = (max: number, Refusal: new () => Error) => {
    const count = app.createRateLimit({ max, timeWindow: 60_000, keyGenerator: (request) => request.gs.account!.id })
    return async (request: FastifyRequest): Promise<void> => {
      const counted = await count(request)
      if (!counted.isAllowed && counted.isExceeded) throw Object.assign(new Refusal(), { retryAfter: counted.ttlInSeconds })
    }
  }
  const countPost = countUpTo(postsPerMinute, TooManyPosts)
  const countDeletion = countUpTo(deletionsPerMinute, TooManyDeletions)

  app.addHook('onRequest', async (_request, reply) => {
    // What is shown depends on who looks, and may be deleted.
    reply.header('cache-control', 'no-store')
  })

  const sendPage = async (request: FastifyRequest, reply: FastifyReply, before: number | null, refused?: BoardPage['refused']) => {
    const visitor = visitorOf(request)!
    const { posts, older } = await historyFor(visitor, before, pageLength)
    const page = renderBoardPage({
      username: visitor.username,
      posts: posts.toReversed(),
      older,
      before,
      timeZone: request.gs.client.timeZone,
      postId: randomUUID(),
      refused
    })
    return reply.type('text/html; charset=utf-8').send(String(page))
  }

  app.post<{ Body: PostBody }>(
    '/msg',
    { bodyLimit, schema: { body: postSchema }, config: { gs: verifiedUsers } },
    async (request, reply) => {
      const { id = null, msg, page } = request.body
      let idx
      try {
        await countPost(request)
        idx = await board.post(visitorOf(request)!, msg, id)
      } catch (error) {
        const refusable = error instanceof MessageInvalid || error instanceof TooManyPosts
        if (!refusable || page === undefined || !isForm(request)) throw error
        // Nothing that was typed is lost.
        const { message, retryAfter, statusCode } = error as FastifyError & { retryAfter?: number }
        if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter))
        return sendPage(request, reply.code(statusCode ?? 400), null, { problem: message, text: msg })
      }
      if (isForm(request)) return reply.redirect(page === undefined ? '/lwsgs/' : boardPagePath, 303)
      return reply.code(201).send({ ok: true, idx: String(idx) })
    }
  )

  app.get<{ Querystring: { before?: string; limit?: string } }>(
    '/messages',
    { schema: { querystring: historySchema }, config: { gs: verifiedUsers } },
    (request) => {
      const { before, limit } = request.query
      return historyFor(visitorOf(request)!, before === undefined ? null : Number(before), Number(limit ?? pageLength))
    }
  )

  const remove = async (request: FastifyRequest<{ Params: { idx: string } }>) => {
    await countDeletion(request)
    await board.remove(visitorOf(request)!, Number(request.params.idx))
  }
  app.delete<{ Params: { idx: string } }>(
    '/messages/:idx',
    { schema: { params: idxSchema }, config: { gs: verifiedUsers } },
    async (request) => {
      await remove(request)
      return { ok: true }
    }
  )
  app.post<{ Params: { idx: string }; Body: { before?: string } | null }>(
    '/messages/:idx/delete',
    { schema: { params: idxSchema, body: deletionSchema }, config: { gs: verifiedUsers } },
    async (request, reply) => {
      await remove(request)
      if (!isForm(request)) return reply.send({ ok: true })
      const before = request.body?.before
      return reply.redirect(before === undefined ? boardPagePath : `${boardPagePath}?before=${before}`, 303)
    }
  )

  app.get<{ Querystring: { before?: string } }>(
    '/board.html',
    { schema: { querystring: { type: 'object', properties: { before: postNumber } } }, config: { gs: verifiedUsers } },
    (request, reply) => sendPage(request, reply, request.query.before === undefined ? null : Number(request.query.before))
  )
  const style = await readFile(join(import.meta.dirname, 'assets/board-page.css'), 'utf8')
  app.get('/board.css', (_request, reply) =>
    reply.header('cache-control', 'public, max-age=3600').type('text/css; charset=utf-8').send(style)
  )

  app.route({
    method: 'GET',
    url: '/board',
    config: { gs: verifiedUsers },
    preValidation: async (request) => {
      if (!request.ws) throw new NoUpgrade()
      const offered = request.headers['sec-websocket-protocol']?.split(',').map((name) => name.trim()) ?? []
      if (chooseProtocol(new Set(offered)) === null) throw new WrongSubprotocol(`${currentProtocol}, ${originalProtocol}`)
    },
    handler: () => {
      throw new NoUpgrade()
    },
    wsHandler: (socket, request) => serveSocket(socket, request, { board, live, visitorOf, countPost, countDeletion })
  })
}
