import type { FastifyInstance } from 'fastify'
import { findAccountByUsername } from '../accounts/accounts.ts'
import { checkUsername } from '../accounts/identifiers.ts'
import { CheckQuery, CheckResult, gsPaths } from '../api.ts'
import { gsError, isGsError } from '../errors.ts'
import { documented, rateLimited, type FlowServices } from './shared/flow.ts'

/** Is this user name free? Of addresses it says nothing: whoever could ask would learn who has an account. */
export function checkName(app: FastifyInstance, services: FlowServices): void {
  const { database, options } = services
  app.get<{ Querystring: CheckQuery }>(
    gsPaths.check,
    {
      config: rateLimited(services, 'check'),
      schema: documented('Whether a user name is free', { querystring: CheckQuery, response: { 200: CheckResult } })
    },
    async (request) => {
      const { username, email } = request.query
      if (username === undefined && email === undefined)
        throw gsError('GS_QUERY_INVALID', { field: 'username', reason: 'username is missing.' })
      if (username === undefined) return { available: true }
      try {
        const { key } = checkUsername(username, options.reservedNames)
        return { available: (await findAccountByUsername(database.db, key)) === null }
      } catch (error) {
        if (isGsError(error) && error.code === 'GS_USERNAME_TAKEN') return { available: false }
        throw error
      }
    }
  )
}
