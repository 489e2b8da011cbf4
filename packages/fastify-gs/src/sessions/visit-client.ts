import type { FastifyRequest } from 'fastify'
import { readClientFacts, type ClientFacts, type ClientSite } from './client-facts.ts'
import { readClient, visitState, type Visit } from './visit.ts'

declare module 'fastify' {
  interface FastifyRequest {
    [readClient](visit: Visit): ClientFacts
  }
}

/** For `decorateRequest`: what the request tells of who made it. */
export function createReadClient(site: ClientSite) {
  return function read(this: FastifyRequest, visit: Visit): ClientFacts {
    const { found, ticket } = visitState(visit)
    return readClientFacts(site, this.headers, visit.account?.language ?? null, found?.referer ?? ticket?.referer ?? null)
  }
}
