import type { FastifyReply, FastifyRequest } from 'fastify'
import { gsError } from '../errors.ts'
import type { AnonymousTicket, TicketLimits } from './anonymous-ticket.ts'
import type { CarrySource, DataOwner, SessionData, SessionDataStore } from './session-data.ts'
import { isWebsocket } from './same-origin.ts'
import { openData, visitState, type Visit } from './visit.ts'

/** The answer to a request, for the cookie that the browser needs when something is stored for it. */
export const replyOf = Symbol('fastify-gs.reply')

declare module 'fastify' {
  interface FastifyRequest {
    [replyOf]: FastifyReply | null
    [openData](visit: Visit): SessionData
  }
}

/** Whose data an anonymous visitor has. */
export function ownerOfTicket(ticket: AnonymousTicket, limits: TicketLimits, ip: string | null): DataOwner {
  const expiresAt = ticket.startedAt + limits.absolute
  return { id: ticket.id, anonymous: { usableUntil: expiresAt, expiresAt, ip } }
}

/** From where a login of this account takes data. */
export function carrySourceOf(visit: Visit, accountId: string): CarrySource {
  return visit.account === null
    ? { ticketId: visit.session.id, formerTokenHash: visitState(visit).formerTokenHash }
    : { sessionId: visit.session.id, sameAccount: visit.account.id === accountId }
}

export interface VisitDataSettings {
  readonly store: SessionDataStore
  readonly ticketLimits: TicketLimits
  /** Sends the browser the ticket of its anonymous session. */
  readonly offerTicket: (request: FastifyRequest, reply: FastifyReply) => Promise<void> | undefined
}

/** For `decorateRequest`: opens the data of a visit of the request. */
export function createOpenData({ store, ticketLimits, offerTicket }: VisitDataSettings) {
  return function open(this: FastifyRequest, visit: Visit): SessionData {
    const { ticket, formerTokenHash } = visitState(visit)
    if (ticket === null) return store.open({ id: visit.session.id, anonymous: null })
    // Asked each time: the ticket may go out meanwhile, with a page.
    const untold = () => {
      const { fresh, unsent } = visitState(visit)
      return fresh && unsent
    }
    const tell = async () => {
      if (!untold()) return
      // It has another session now, by a login or logout.
      if (this.gs !== visit) throw gsError('GS_SESSION_UNKNOWN')
      const reply = this[replyOf]
      if (isWebsocket(this.headers))
        throw new Error('A websocket cannot give its visitor a session; store something for him in a request before, or require a login.')
      if (reply === null || reply.sent || reply.raw.headersSent)
        throw new Error('The answer has begun, so the visitor cannot be given the session that the data would belong to; store it before.')
      await offerTicket(this, reply)
      // He has got another cookie a moment ago, which this one would take away.
      if (untold()) throw gsError('GS_SESSION_UNKNOWN')
    }
    return store.open(ownerOfTicket(ticket, ticketLimits, this.ip), { untold, tell, formerTokenHash })
  }
}
