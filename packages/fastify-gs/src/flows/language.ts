import type { FastifyInstance, FastifyRequest } from 'fastify'
import { setLanguage } from '../accounts/accounts.ts'
import { Accepted, gsPaths, LanguageBody } from '../api.ts'
import { answer } from './shared/answer.ts'
import { documented, rateLimited, requireAccount, type FlowServices } from './shared/flow.ts'
import { checkLanguage } from './shared/language.ts'

/**
 * Sets the language of the visitor's account: that of its mails, and of what is said to it wherever it logs in. One that there are no texts in
 * is kept all the same: the application may have some, and ours fall back.
 *
 * @throws {GsError} `GS_NOT_LOGGED_IN`, `GS_BODY_INVALID` (not a language tag)
 */
type LanguageChoice = (request: FastifyRequest, fields: { readonly language: string }) => Promise<void>

function createLanguageChoice({ database }: FlowServices): LanguageChoice {
  return async (request, fields) => {
    const { account } = requireAccount(request)
    const language = checkLanguage(fields.language)
    if (language !== account.language) await database.transaction((trx) => setLanguage(trx, account.id, language))
  }
}

/** Choose a language. */
export function language(app: FastifyInstance, services: FlowServices): void {
  const choose = createLanguageChoice(services)
  app.post<{ Body: LanguageBody }>(
    gsPaths.language,
    {
      config: rateLimited(services, 'check'),
      schema: documented('Choose the language of the account', { body: LanguageBody, response: { 200: Accepted } })
    },
    async (request, reply) => {
      await choose(request, request.body)
      return answer(services, request, reply, { status: 200, body: { ok: true }, notice: 'saved' })
    }
  )
}
