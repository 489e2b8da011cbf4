import type { FastifyInstance, FastifyReply } from 'fastify'
import { Accepted, gsPaths, TimeZoneBody } from '../api.ts'
import { gsError } from '../errors.ts'
import { timeZoneName } from '../sessions/client-facts.ts'
import { quiet } from '../sessions/load-session.ts'
import { answer } from './shared/answer.ts'
import { documented, type FlowServices } from './shared/flow.ts'

/** Seconds; a year. */
const cookieLife = 31_536_000

/**
 * Keeps the time zone of the browser in a cookie, which scripts may read and set themselves: it is no secret, and looked at again whenever it is
 * read.
 *
 * @throws {GsError} `GS_BODY_INVALID` (there is no such time zone)
 */
type TimeZoneChoice = (reply: FastifyReply, fields: { readonly timeZone: string }) => void

function createTimeZoneChoice({ options, site }: FlowServices): TimeZoneChoice {
  return (reply, fields) => {
    const name = timeZoneName(fields.timeZone)
    if (name === null) throw gsError('GS_BODY_INVALID', { field: 'timeZone', reason: 'timeZone is not the name of a time zone.' })
    reply.setCookie(site.timeZoneCookie, name, {
      path: '/',
      sameSite: 'lax',
      secure: options.secure,
      httpOnly: false,
      maxAge: cookieLife,
      encode: String
    })
  }
}

/** Tell the time zone. Pages do it by themselves, so it is no use of the session. */
export function timeZone(app: FastifyInstance, services: FlowServices): void {
  const choose = createTimeZoneChoice(services)
  app.post<{ Body: TimeZoneBody }>(
    gsPaths.timeZone,
    {
      config: { [quiet]: true },
      schema: documented('Tell the time zone of the browser', { body: TimeZoneBody, response: { 200: Accepted } })
    },
    async (request, reply) => {
      choose(reply, request.body)
      return answer(services, request, reply, { status: 200, body: { ok: true }, notice: 'saved' })
    }
  )
}
