import rateLimit from '@fastify/rate-limit'
import type { FastifyError, FastifyPluginAsync, FastifyRequest } from 'fastify'
import { isLoopbackHost } from '../loopback.ts'
import { isDatabaseTrouble, type BoardDatabase } from './database.ts'
import {
  BodyInvalid,
  BodyTooLarge,
  ContentType,
  CrossSite,
  MessageInvalid,
  NoUpgrade,
  TooManyPosts,
  Unavailable,
  WrongSubprotocol
} from './errors.ts'
import type { LiveBoard } from './live.ts'
import { addMessage, findContentProblem } from './messages.ts'

/** Who may read and write the board: logged in (1) and verified (4). */
const verifiedUsers = 5

export const subprotocol = 'protocol-lws-messageboard'

/** 4000 code points, each written as twelve bytes (`\ud83d\ude00` in JSON, `%F0%9F%98%80` in a form), and the rest of the body. */
const bodyLimit = 64 * 1024

/** Of one account. Far more than people type, far less than a program can. */
const postsPerMinute = 120

const bodySchema = {
  type: 'object',
  required: ['msg'],
  additionalProperties: false,
  properties: {
    msg: { type: 'string' },
    send: { type: 'string', description: 'the button of a form; ignored' }
  }
} as const

interface PostBody {
  readonly msg: string
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

/** Gives Fastify's own refusals of a body the board's codes; anything else is not ours. */
function translate(error: FastifyError): Error {
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new BodyTooLarge()
  if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return new ContentType()
  if (error.validation !== undefined) return new BodyInvalid(error.message)
  if (error.code?.startsWith('FST_ERR_CTP_')) return new BodyInvalid('it cannot be read.')
  if (isDatabaseTrouble(error)) return Object.assign(new Unavailable(), { cause: error })
  return error
}

export interface MessageRoutesOptions {
  readonly db: BoardDatabase
  readonly live: LiveBoard
}

/** `POST /msg` and the websocket `/board`. */
export const messageRoutes: FastifyPluginAsync<MessageRoutesOptions> = async (app, { db, live }) => {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const refusal = translate(error)
    if (refusal instanceof Unavailable) {
      request.log.error({ err: error }, 'the post was not stored')
      reply.header('retry-after', '1')
    }
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

  /**
   * Browsers say on each websocket which site opens it, and cookies alone would let any site in. A client that says nothing is none
   * of the board's pages. On this machine the board has several names, of which only one can be in its configuration.
   */
  const isOwnPage = (request: FastifyRequest) => {
    const { host, origin } = request.headers
    return origin !== undefined && (app.gs.isSameOrigin(request) || (isLoopbackHost(host) && origin === `http://${host}`))
  }

  await app.register(rateLimit, { global: false })

  app.post<{ Body: PostBody }>(
    '/msg',
    {
      bodyLimit,
      schema: { body: bodySchema },
      config: {
        gs: verifiedUsers,
        rateLimit: {
          hook: 'preHandler',
          max: postsPerMinute,
          timeWindow: 60_000,
          keyGenerator: (request) => request.gs.account!.id,
          errorResponseBuilder: () => new TooManyPosts()
        }
      }
    },
    async (request, reply) => {
      const content = request.body.msg
      const problem = findContentProblem(content)
      if (problem !== null) throw Object.assign(new MessageInvalid(problem), { field: 'msg' })

      const { username } = request.gs.account!
      const { idx } = await addMessage(db, { username, content, time: Math.floor(Date.now() / 1000) })
      live.announce()

      const isForm = request.headers['content-type']!.toLowerCase().startsWith('application/x-www-form-urlencoded')
      return isForm ? reply.redirect('/lwsgs/', 303) : reply.code(201).send({ ok: true, idx: String(idx) })
    }
  )

  app.route({
    method: 'GET',
    url: '/board',
    config: { gs: verifiedUsers },
    preValidation: async (request) => {
      if (!request.ws) throw new NoUpgrade()
      if (!isOwnPage(request)) throw new CrossSite()
      const offered = request.headers['sec-websocket-protocol']?.split(',').map((name) => name.trim()) ?? []
      if (!offered.includes(subprotocol)) throw new WrongSubprotocol(subprotocol)
    },
    handler: () => {
      throw new NoUpgrade()
    },
    wsHandler: (socket, request) => live.join(socket, request.gs.session.id)
  })
}
