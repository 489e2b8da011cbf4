import type { FastifyInstance, FastifyRequest, FastifySchema } from 'fastify'
import {
  Accepted,
  AdminAccountAnswer,
  AdminAccountList,
  AdminAccountsQuery,
  AdminActionBody,
  AdminAuditQuery,
  AdminEnded,
  AdminGrantBody,
  AdminGroupAnswer,
  AdminGroupBody,
  AdminGroupChange,
  AdminGroupList,
  AdminMailList,
  AdminMailQuery,
  AdminReset,
  AdminSessionList,
  AdminSessionsQuery,
  AuditList,
  gsPaths,
  type AdminGroup
} from '../api.ts'
import { Type } from 'typebox'
import { answer, isForm } from '../flows/shared/answer.ts'
import { documented, type FlowServices } from '../flows/shared/flow.ts'
import { quiet } from '../sessions/load-session.ts'
import { createAdminCalls, type AdminCalls } from './admin-calls.ts'

const paths = gsPaths.admin

interface ById {
  readonly id: string
}

/** What a form says for "in no group"; no group is called so. */
export const noGroup = '-'

const numberOf = (level: unknown) => (typeof level === 'string' && /^[0-9]{1,3}$/.test(level) ? Number(level) : level)

/** An empty field leaves what there is. */
function groupOfForm({ name, level, ...others }: Record<string, unknown>): Record<string, unknown> {
  return {
    ...others,
    ...(name !== undefined && name !== '' && { name }),
    ...(level !== undefined && level !== '' && { level: numberOf(level) })
  }
}

/** What a form can say, as the body that a program sends. What a select leaves empty is not wanted. */
function grantOfForm(fields: Record<string, unknown>): Record<string, unknown> {
  const { grant, withdraw, level, group, ...others } = fields
  const named = (value: unknown) => (typeof value === 'string' ? [value] : value)
  return {
    ...others,
    ...(group !== undefined && group !== '' && { group: group === noGroup ? null : group }),
    ...(grant !== undefined && grant !== '' && { sectors: named(grant) }),
    ...(withdraw !== undefined && withdraw !== '' && { withdraw: named(withdraw) }),
    ...(level !== undefined && level !== '' && { level: numberOf(level) })
  }
}

/** Accounts, sessions, mail and audit for admins: for who has the level 50 or more. */
export function adminRoutes(app: FastifyInstance, services: FlowServices): void {
  const callsOf = createAdminCalls(services)
  const config = { gs: { level: 'admin' } } as const
  const described = (summary: string, schema: FastifySchema) => Object.assign(documented(summary, schema), { tags: ['admin'] })

  const list = (
    path: string,
    summary: string,
    querystring: object,
    response: object,
    read: (calls: AdminCalls, query: object) => object,
    own: object = {}
  ) =>
    app.get(
      path,
      { config: { ...config, ...own }, schema: described(summary, { querystring, response: { 200: response } }) },
      async (request) => read(callsOf(request), request.query as object)
    )

  /** `deletes`: a path that does the same with DELETE. */
  const change = (
    path: string,
    summary: string,
    response: object,
    work: (calls: AdminCalls, request: FastifyRequest<{ Params: ById }>) => Promise<object>,
    {
      deletes,
      body = AdminActionBody,
      ofForm = (fields) => fields
    }: { deletes?: string; body?: object; ofForm?: (fields: Record<string, unknown>) => Record<string, unknown> } = {}
  ) => {
    const urls = [{ method: 'POST', url: path }, ...(deletes === undefined ? [] : [{ method: 'DELETE', url: deletes }])]
    for (const { method, url } of urls) {
      app.route<{ Params: ById }>({
        method,
        url,
        config,
        schema: described(summary, { body, response: { 200: response } }),
        preValidation(request, _reply, done) {
          if (isForm(request)) request.body = ofForm(request.body as Record<string, unknown>)
          done()
        },
        handler: async (request, reply) =>
          answer(services, request, reply, { status: 200, body: await work(callsOf(request), request), notice: 'adminchanged' })
      })
    }
  }

  const ok = async (done: Promise<void>) => {
    await done
    return { ok: true }
  }
  const account = async (changed: ReturnType<AdminCalls['account']>) => ({ account: await changed })

  list(paths.accounts, 'Accounts', AdminAccountsQuery, AdminAccountList, (calls, query) => calls.listAccounts(query))
  app.get<{ Params: ById }>(
    paths.accountById,
    { config, schema: described('One account', { response: { 200: AdminAccountAnswer } }) },
    async (request) => account(callsOf(request).account(request.params.id))
  )
  change(paths.deleteAccount, 'Delete an account', Accepted, (calls, { params }) => ok(calls.deleteAccount(params.id)), {
    deletes: paths.accountById
  })
  change(paths.verify, 'Vouch for the address', AdminAccountAnswer, (calls, { params }) => account(calls.verify(params.id)))
  change(paths.lock, 'Lock an account', AdminAccountAnswer, (calls, { params }) => account(calls.lock(params.id)))
  change(paths.unlock, 'Unlock an account', AdminAccountAnswer, (calls, { params }) => account(calls.unlock(params.id)))
  change(
    paths.grant,
    'Grant or withdraw sectors, set the level',
    AdminAccountAnswer,
    (calls, { params, body }) => account(calls.grant(params.id, body as AdminGrantBody)),
    { body: AdminGrantBody, ofForm: grantOfForm }
  )
  list(paths.groups, 'Groups', Type.Object({}), AdminGroupList, (calls) => calls.listGroups())
  const group = async (changed: Promise<AdminGroup>) => ({ group: await changed })
  change(paths.groups, 'Add a group', AdminGroupAnswer, (calls, { body }) => group(calls.addGroup(body as AdminGroupBody)), {
    body: AdminGroupBody,
    ofForm: groupOfForm
  })
  change(
    paths.groupById,
    'Rename a group, set its level',
    AdminGroupAnswer,
    (calls, { params, body }) => group(calls.setGroup(params.id, body as AdminGroupChange)),
    { body: AdminGroupChange, ofForm: groupOfForm }
  )
  change(paths.deleteGroup, 'Delete a group', Accepted, (calls, { params }) => ok(calls.deleteGroup(params.id)), {
    deletes: paths.groupById
  })
  change(paths.endSessions, 'End all sessions of an account', AdminEnded, async (calls, { params }) => ({
    ended: await calls.endSessionsOf(params.id)
  }))
  change(paths.requirePasswordChange, 'Have the account choose a new password', AdminAccountAnswer, (calls, { params }) =>
    account(calls.requirePasswordChange(params.id))
  )
  change(paths.resetPassword, 'Make the password void and mail a link to set a new one', AdminReset, async (calls, { params }) => ({
    mailed: await calls.resetPassword(params.id)
  }))

  // Pages ask by themselves again and again, which is no use of the admin's session.
  list(paths.sessions, 'Sessions', AdminSessionsQuery, AdminSessionList, (calls, query) => calls.listSessions(query), { [quiet]: true })
  const endSession = async (calls: AdminCalls, { params }: FastifyRequest<{ Params: ById }>) => {
    await calls.endSession(params.id)
    return { ended: 1 }
  }
  change(paths.endSession, 'End a session', AdminEnded, endSession, { deletes: paths.sessionById })

  list(paths.mail, 'Mail in the queue', AdminMailQuery, AdminMailList, (calls, query) => calls.listMail(query))
  change(paths.dropMail, 'Take a mail out of the queue', Accepted, (calls, { params }) => ok(calls.dropMail(params.id)), {
    deletes: paths.mailById
  })
  change(paths.retryMail, 'Send a mail now', Accepted, (calls, { params }) => ok(calls.retryMail(params.id)))

  list(paths.audit, 'What admins and operators have done', AdminAuditQuery, AuditList, (calls, query) => calls.listAudit(query))
}
