import type { FastifyInstance } from 'fastify'
import { findAccountByUsername } from '../accounts/accounts.ts'
import { checkUsername } from '../accounts/identifiers.ts'
import { CheckQuery, CheckResult, gsPaths } from '../api.ts'
import { gsError, isGsError } from '../errors.ts'
import { documented, rateLimited, type FlowServices } from './shared/flow.ts'

/** Whether a user name is free. @throws {GsError} `GS_USERNAME_INVALID` for one that nobody can have */
export type NameCheck = (username: string) => Promise<boolean>

export function createNameCheck({ database, options }: FlowServices): NameCheck {
  return async (username) => {
    try {
      const { key } = checkUsername(username, options.reservedNames)
      return (await findAccountByUsername(database.db, key)) === null
    } catch (error) {
      if (isGsError(error) && error.code === 'GS_USERNAME_TAKEN') return false
      throw error
    }
  }
}

/** Is this user name free? Of addresses it says nothing: whoever could ask would learn who has an account. */
export function checkName(app: FastifyInstance, services: FlowServices): void {
  const isFree = createNameCheck(services)
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
      return { available: username === undefined || (await isFree(username)) }
    }
  )
}
