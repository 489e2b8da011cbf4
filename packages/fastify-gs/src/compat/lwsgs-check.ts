import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isGsError } from '../errors.ts'
import type { NameCheck } from '../flows/check-name.ts'
import { documented } from '../flows/shared/flow.ts'
import { lwsgsPaths } from './lwsgs-paths.ts'

/**
 * Whether a user name is taken, in both spellings of the original: `lwsgs-check?username=X` and `lwsgs-check/username=X`. One byte: `1`
 * taken, `0` free. Every address is free: whoever could ask would learn who has an account.
 */
export function lwsgsCheck(app: FastifyInstance, isFree: NameCheck, limit: (request: FastifyRequest) => Promise<void>): void {
  const isTaken = async (name: string): Promise<boolean> => {
    try {
      return !(await isFree(name))
    } catch (error) {
      // Nobody can have such a name yet; pages ask at each key that is pressed.
      if (isGsError(error) && error.code === 'GS_USERNAME_INVALID') return false
      throw error
    }
  }
  const answer = async (request: FastifyRequest, reply: FastifyReply, name: string | undefined) => {
    await limit(request)
    return reply.type('text/plain; charset=utf-8').send(name !== undefined && (await isTaken(name)) ? '1' : '0')
  }

  const schema = () => documented('Whether a user name is taken (1) or free (0); of addresses it says nothing', {})
  app.get<{ Querystring: { username?: string | string[] } }>(lwsgsPaths.check, { schema: schema() }, (request, reply) =>
    answer(request, reply, [request.query.username].flat()[0])
  )
  app.get<{ Params: { '*': string } }>(`${lwsgsPaths.check}/*`, { schema: schema() }, (request, reply) => {
    const question = request.params['*']
    const named = question.includes('=') && !question.startsWith('email=')
    return answer(request, reply, named ? question.slice(question.indexOf('=') + 1) : undefined)
  })
}
