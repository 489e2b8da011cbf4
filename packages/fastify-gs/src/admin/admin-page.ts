import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AuthLevel } from '../accounts/auth-level.ts'
import {
  gsPaths,
  type AdminAccount,
  type AdminAccountsQuery,
  type AdminAuditQuery,
  type AdminGroup,
  type AdminMail,
  type AdminMailQuery,
  type AdminSession,
  type AuditEntry
} from '../api.ts'
import { documented, type FlowServices } from '../flows/shared/flow.ts'
import {
  adminPagePath,
  ago,
  alsoOpen,
  avatar,
  deviceOf,
  join,
  renderForm,
  renderSearch,
  section,
  time,
  unsaid,
  type Form,
  type FormRefusal
} from '../forms-page.ts'
import { html, type Html } from '../html.ts'
import { sendPage, wantsPage } from '../page.ts'
import { levelAfterChange } from '../sessions/visit.ts'
import { createAdminCalls } from './admin-calls.ts'
import { noGroup } from './admin-routes.ts'
import { highestGrantable } from './rank.ts'

const paths = gsPaths.admin

const mark = (kind: string, text: string): Html => html`<span class="mark" data-mark="${kind}">${text}</span> `

function marksOf({ verified, configured, effectiveLevel, lockedAt, mustChangePassword }: AdminAccount): Html {
  return join([
    lockedAt === null ? html`` : mark('bad', 'Locked'),
    mustChangePassword ? mark('waiting', 'New password due') : html``,
    verified ? mark('verified', 'Verified') : mark('unverified', 'Not verified'),
    effectiveLevel >= AuthLevel.admin || configured ? mark('admin', 'Admin') : html``
  ])
}

const many = (count: number, one: string, more: string) => `${count} ${count === 1 ? one : more}`

interface ById {
  readonly id: string
}

/** Pages for admins that work without scripts: what the calls of `gsPaths.admin` offer, as plain forms. */
export function adminPage(app: FastifyInstance, services: FlowServices): void {
  const { formPages, options } = services
  const { prefix, siteName, now, sectors } = options
  const levelNames = new Map(Object.entries(options.levels).map(([name, level]) => [level, name]))
  const levelText = (level: number) => (levelNames.has(level) ? `${level} (${levelNames.get(level)!})` : String(level))
  // Refuses who is no admin, also when a form that names one of ours was sent elsewhere, by anybody.
  const callsOf = createAdminCalls(services)
  const home = prefix + adminPagePath
  const at = {
    accounts: home,
    account: (id: string) => `${home}/accounts/${encodeURIComponent(id)}`,
    groups: `${home}/groups`,
    mail: `${home}/mail`,
    audit: `${home}/audit`
  }
  const changed = (page: string) => `${page}${page.includes('?') ? '&' : '?'}gs=adminchanged`
  const actionOf = (path: string, id: string) => prefix + path.replace(':id', encodeURIComponent(id))

  const send = (request: FastifyRequest, reply: FastifyReply, title: string, content: Html, refusal: FormRefusal | undefined) => {
    const { gs } = request.query as { gs?: unknown }
    const said = refusal === undefined && gs === 'adminchanged' ? html`<p role="status">The change is made.</p>` : html``
    return sendPage(reply, refusal?.status ?? 200, prefix, siteName, {
      title,
      wide: true,
      failed: refusal !== undefined,
      content: html`<nav aria-label="Administration">
          <ul class="links bar">
            <li><a href="${at.accounts}">Accounts</a></li>
            <li><a href="${at.groups}">Groups</a></li>
            <li><a href="${at.mail}">Mail</a></li>
            <li><a href="${at.audit}">Audit</a></li>
            <li><a href="${options.loginPage}">To the start page</a></li>
          </ul>
        </nav>
        ${said}${unsaid(content, refusal)}${content}`
    })
  }

  /** Further pages of a list keep what was searched for. */
  const more = (page: string, query: Readonly<Record<string, string>>, next: string | null): Html => {
    if (next === null) return html``
    const parameters = new URLSearchParams({ ...query, after: next })
    return html`<p><a rel="next" href="${page}?${parameters.toString()}">More</a></p>`
  }

  const accountRow = (account: AdminAccount): Html =>
    html`<li>
      <div>
        <a href="${at.account(account.id)}">${account.username}</a> ${marksOf(account)}
        <p class="hint">${account.email ?? 'no address'} · ${many(account.sessions, 'session', 'sessions')}</p>
      </div>
    </li> `

  const showAccounts = async (request: FastifyRequest, reply: FastifyReply, query: AdminAccountsQuery, refusal?: FormRefusal) => {
    const { accounts, next } = await callsOf(request).listAccounts(query)
    const search = renderSearch(at.accounts, 'Search', [
      { name: 'search', label: 'Part of a user name or address', type: 'search', value: query.search ?? '' },
      {
        name: 'state',
        label: 'State',
        value: query.state ?? '',
        options: [
          ['', 'All'],
          ['verified', 'Verified'],
          ['unverified', 'Not verified'],
          ['locked', 'Locked'],
          ['must-change-password', 'New password due']
        ]
      }
    ])
    const found =
      accounts.length === 0
        ? html`<p>No account fits.</p>`
        : html`<ul class="rows">
            ${join(accounts.map(accountRow))}
          </ul>`
    return send(request, reply, 'Accounts', html`${search}${found}${more(at.accounts, query, next)}`, refusal)
  }

  const sessionRow = (session: AdminSession, changeable: boolean): Html => {
    const device = deviceOf(session.userAgent)
    const form: Form = {
      name: 'admin-end-session',
      action: actionOf(paths.endSession, session.id),
      hidden: { next: changed(at.account(session.accountId)) },
      button: { text: 'End', look: 'small', label: `End the session of ${device}, ${session.ip}` }
    }
    return html`<li>
      <div>
        <strong>${device}</strong>
        <p class="hint">
          ${session.ip} · active ${ago(session.lastActiveAt, now())}<br />logged in ${time(session.createdAt)}${alsoOpen(session)}
        </p>
      </div>
      ${changeable ? renderForm(form) : html``}
    </li> `
  }

  const factsOf = (account: AdminAccount): Html =>
    html`<p class="badge">${avatar(account.username)}<span>${marksOf(account)}</span></p>
      <dl class="facts">
        <dt>E-mail</dt>
        <dd>${account.email ?? 'none'}</dd>
        <dt>Level</dt>
        <dd>
          ${levelText(account.effectiveLevel)}${account.group === null ? '' : `, from the group; its own is ${levelText(account.level)}`}
        </dd>
        <dt>Group</dt>
        <dd>${account.group ?? 'none'}</dd>
        <dt>Sectors</dt>
        <dd>${account.sectors.length === 0 ? 'none' : account.sectors.join(', ')}</dd>
        <dt>Created</dt>
        <dd>${time(account.createdAt)}</dd>
        <dt>Logins</dt>
        <dd>${account.lastLoginAt === null ? 'none' : html`${String(account.visits)}, the last ${time(account.lastLoginAt)}`}</dd>
        ${
          account.lockedAt === null
            ? html``
            : html`<dt>Locked</dt>
                <dd>${time(account.lockedAt)}</dd>`
        }
      </dl>`

  const rightsForm = (account: AdminAccount, highest: number, groups: readonly AdminGroup[]): Form => {
    const levels = [...levelNames].filter(([level]) => level >= AuthLevel['logged-in'] && level <= highest && level !== account.level)
    const has = (sector: string) => account.sectors.includes(sector)
    const choice = (name: string, label: string, names: readonly string[]) =>
      names.length === 0
        ? []
        : [{ name, label, required: false, value: '', options: [['', '–'] as const, ...names.map((sector) => [sector, sector] as const)] }]
    return {
      name: 'admin-grant',
      action: actionOf(paths.grant, account.id),
      hidden: { next: changed(at.account(account.id)) },
      fields: [
        {
          name: 'level',
          label: 'Level',
          required: false,
          value: '',
          options: [
            ['', `stays ${levelText(account.level)}`] as const,
            ...levels.map(([level]) => [String(level), levelText(level)] as const)
          ]
        },
        ...groupChoice(account, groups),
        ...choice(
          'grant',
          'Grant a sector',
          sectors.filter((sector) => !has(sector))
        ).map((field) => ({ ...field, refusedAs: 'sectors' })),
        ...choice('withdraw', 'Withdraw a sector', account.sectors)
      ],
      button: { text: 'Save' }
    }
  }

  const groupChoice = ({ group }: AdminAccount, groups: readonly AdminGroup[]) => {
    const others = groups.filter(({ name, changeable }) => changeable && name !== group)
    if (others.length === 0 && group === null) return []
    const out = group === null ? [] : [[noGroup, 'none'] as const]
    const options = [['', `stays ${group ?? 'none'}`] as const, ...out, ...others.map(({ name }) => [name, name] as const)]
    return [{ name: 'group', label: 'Group', required: false, value: '', options }]
  }

  const levelChoices = (highest: number) =>
    [...levelNames]
      .toSorted(([one], [other]) => one - other)
      .filter(([level]) => level >= AuthLevel['logged-in'] && level <= highest)
      .map(([level]) => [String(level), levelText(level)] as const)

  const groupRow = (group: AdminGroup, highest: number): Html => {
    const { id, name, level, members, changeable } = group
    const next = changed(at.groups)
    const forms = html`${renderForm({
      name: 'admin-set-group',
      action: actionOf(paths.groupById, id),
      hidden: { next },
      fields: [
        {
          name: 'level',
          label: `Level of ${name}`,
          required: false,
          value: '',
          options: [['', `stays ${levelText(level)}`] as const, ...levelChoices(highest).filter(([other]) => other !== String(level))]
        },
        { name: 'name', label: `New name of ${name}`, required: false, value: '' }
      ],
      button: { text: 'Save', look: 'quiet', label: `Save the group ${name}` }
    })}${renderForm({
      name: 'admin-delete-group',
      action: actionOf(paths.deleteGroup, id),
      hidden: { next },
      button: { text: `Delete ${name}`, look: 'danger-quiet' }
    })}`
    return html`<li>
      <div>
        <strong>${name}</strong>
        <p class="hint">level ${levelText(level)} · ${many(members, 'account', 'accounts')}</p>
        ${
          changeable
            ? html`<details>
                <summary>Change ${name}</summary>
                ${forms}
              </details>`
            : html``
        }
      </div>
    </li> `
  }

  const showGroups = async (request: FastifyRequest, reply: FastifyReply, refusal?: FormRefusal) => {
    const { groups } = await callsOf(request).listGroups()
    const highest = highestGrantable({ ...request.gs.account!, level: request.gs.level })
    const form: Form = {
      name: 'admin-add-group',
      action: prefix + paths.groups,
      hidden: { next: changed(at.groups) },
      fields: [
        { name: 'name', label: 'Name' },
        { name: 'level', label: 'Level', options: levelChoices(highest) }
      ],
      button: { text: 'Add' }
    }
    const found =
      groups.length === 0
        ? html`<p>There is none yet.</p>`
        : html`<ul class="rows">
            ${join(groups.map((group) => groupRow(group, highest)))}
          </ul>`
    const content = html`<p class="hint">Who is in a group has its level in the place of his own.</p>
      ${found}${section('add-group', 'Add a group', renderForm(form, refusal?.form === form.name ? refusal : undefined))}`
    return send(request, reply, 'Groups', content, refusal)
  }

  const showAccount = async (request: FastifyRequest, reply: FastifyReply, id: string, refusal?: FormRefusal) => {
    const { account: find, listGroups, listSessions } = callsOf(request)
    const account = await find(id)
    const { sessions, next } = await listSessions({ account: id })
    const { groups } = await listGroups()
    const highest = highestGrantable({ ...request.gs.account!, level: request.gs.level })
    const button = (name: string, path: string, text: string, look: 'quiet' | 'danger' = 'quiet', after = at.account(id)) =>
      renderForm({ name, action: actionOf(path, id), hidden: { next: changed(after) }, button: { text, look } })
    const actions = account.changeable
      ? html`<div class="buttons">
            ${account.verified ? html`` : button('admin-verify', paths.verify, 'Mark as verified')}${
              account.lockedAt === null ? button('admin-lock', paths.lock, 'Lock') : button('admin-unlock', paths.unlock, 'Unlock')
            }${
              account.mustChangePassword
                ? html``
                : button('admin-require-password-change', paths.requirePasswordChange, 'Have a new password chosen')
            }${button('admin-reset', paths.resetPassword, 'Reset the password')}${
              sessions.length === 0 ? html`` : button('admin-end-sessions', paths.endSessions, 'End all sessions')
            }
          </div>
          <p class="hint">
            Locking ends all sessions. Who has to choose a new password can do nothing else until then. A reset makes the password void,
            ends all sessions and mails a link to set a new one.
          </p>
          ${section('rights', 'Rights', renderForm(rightsForm(account, highest, groups), refusal))}`
      : html`<p>
          ${account.configured ? 'This account is defined in the configuration of the server; change it there.' : 'You may look at this account, and not change it.'}
        </p>`
    const listed = section(
      'sessions',
      'Sessions',
      sessions.length === 0
        ? html`<p>It is not logged in anywhere.</p>`
        : html`<ul class="rows">
              ${join(sessions.map((session) => sessionRow(session, account.changeable)))}
            </ul>
            ${next === null ? html`` : html`<p>There are more; these are the newest.</p>`}`
    )
    const removal = account.changeable
      ? section(
          'delete',
          'Delete this account',
          html`<details>
            <summary>Delete ${account.username} for ever</summary>
            <p>Its sessions, links and waiting mails go too. This cannot be taken back.</p>
            ${button('admin-delete', paths.deleteAccount, `Delete ${account.username}`, 'danger', at.accounts)}
          </details>`
        )
      : html``
    const trail = html`<p><a href="${at.audit}?account=${encodeURIComponent(id)}">What was done to this account</a></p>`
    return send(request, reply, account.username, html`${factsOf(account)}${actions}${listed}${trail}${removal}`, refusal)
  }

  const mailRow = (mail: AdminMail): Html => {
    const next = changed(at.mail)
    const buttons =
      mail.state === 'sent'
        ? html``
        : html`<div class="buttons">
            ${renderForm({
              name: 'admin-retry-mail',
              action: actionOf(paths.retryMail, mail.id),
              hidden: { next },
              button: { text: 'Send now', look: 'small', label: `Send the mail to ${mail.recipient} now` }
            })}${renderForm({
              name: 'admin-drop-mail',
              action: actionOf(paths.dropMail, mail.id),
              hidden: { next },
              button: { text: 'Drop', look: 'small', label: `Drop the mail to ${mail.recipient}` }
            })}
          </div>`
    return html`<li>
      <div>
        <strong>${mail.recipient}</strong>
        ${mark(mail.state === 'dead' ? 'bad' : mail.state === 'sent' ? 'verified' : 'waiting', mail.state)}
        <p class="hint">
          ${mail.kind} · queued ${time(mail.createdAt)} ·
          ${many(mail.attempts, 'attempt', 'attempts')}${mail.lastError === null ? html`` : html`<br />${mail.lastError}`}
        </p>
      </div>
      ${buttons}
    </li> `
  }

  const showMail = async (request: FastifyRequest, reply: FastifyReply, query: AdminMailQuery, refusal?: FormRefusal) => {
    const { mails, next } = await callsOf(request).listMail(query)
    const filter = renderSearch(at.mail, 'Show', [
      {
        name: 'state',
        label: 'State',
        value: query.state ?? '',
        options: [
          ['', 'All'],
          ['waiting', 'Waiting'],
          ['dead', 'Given up'],
          ['sent', 'Sent']
        ]
      }
    ])
    const found =
      mails.length === 0
        ? html`<p>No mail.</p>`
        : html`<ul class="rows">
            ${join(mails.map(mailRow))}
          </ul>`
    return send(request, reply, 'Mail', html`${filter}${found}${more(at.mail, query, next)}`, refusal)
  }

  const auditRow = ({ at: when, actor, ip, action, accountId, username, details }: AuditEntry): Html => {
    const whom =
      accountId === null ? html`` : username === null ? html` ${accountId}` : html` <a href="${at.account(accountId)}">${username}</a>`
    const facts = Object.keys(details).length === 0 ? '' : JSON.stringify(details)
    return html`<li>
      <div>
        <strong>${action}</strong>${whom}
        <p class="hint">${time(when)} · ${actor}${ip === null ? '' : ` from ${ip}`}${facts === '' ? html`` : html`<br />${facts}`}</p>
      </div>
    </li> `
  }

  const showAudit = async (request: FastifyRequest, reply: FastifyReply, query: AdminAuditQuery) => {
    const { entries, next } = await callsOf(request).listAudit(query)
    const found =
      entries.length === 0
        ? html`<p>Nothing yet.</p>`
        : html`<ul class="rows">
            ${join(entries.map(auditRow))}
          </ul>`
    return send(request, reply, 'Audit', html`${found}${more(at.audit, query, next)}`, undefined)
  }

  /** Who is not logged in, or has a new password due, goes to the page that needs no script either; who is no admin does not learn that there is a page. */
  const page = (
    path: string,
    summary: string,
    show: (request: FastifyRequest<{ Params: ById }>, reply: FastifyReply) => Promise<FastifyReply>
  ) =>
    app.get<{ Params: ById }>(adminPagePath + path, { schema: documented(`Page: ${summary}`, {}) }, async (request, reply) => {
      const sendTo = (path: string) => reply.redirect(`${prefix}${path}?next=${encodeURIComponent(request.url)}`, 303)
      const { account } = request.gs
      if (account === null) return sendTo('/lwsgs-login')
      const isAdmin = levelAfterChange(request.gs) >= AuthLevel.admin
      if (account.mustChangePassword && isAdmin && wantsPage(request.method, request.headers)) return sendTo('/lwsgs-change')
      return show(request, reply)
    })

  /** A form sends empty fields too: they are not wanted. */
  const wanted = (request: FastifyRequest, name: string): string | undefined => {
    const value = (request.query as Record<string, unknown>)[name]
    return typeof value === 'string' && value !== '' ? value.slice(0, 512) : undefined
  }
  const oneOf = <S extends string>(value: string | undefined, known: readonly S[]): S | undefined => known.find((one) => one === value)
  const given = <Q extends Record<string, string | undefined>>(query: Q) =>
    Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)) as { [K in keyof Q]?: NonNullable<Q[K]> }

  page('', 'accounts', (request, reply) =>
    showAccounts(
      request,
      reply,
      given({
        search: wanted(request, 'search'),
        state: oneOf(wanted(request, 'state'), ['verified', 'unverified', 'locked', 'must-change-password']),
        after: wanted(request, 'after')
      })
    )
  )
  page('/accounts/:id', 'one account', (request, reply) => showAccount(request, reply, request.params.id))
  page('/groups', 'groups', (request, reply) => showGroups(request, reply))
  page('/mail', 'mail in the queue', (request, reply) =>
    showMail(
      request,
      reply,
      given({ state: oneOf(wanted(request, 'state'), ['waiting', 'sent', 'dead']), after: wanted(request, 'after') })
    )
  )
  page('/audit', 'what admins and operators have done', (request, reply) =>
    showAudit(request, reply, given({ account: wanted(request, 'account'), after: wanted(request, 'after') }))
  )

  for (const name of ['verify', 'lock', 'unlock', 'require-password-change', 'reset', 'end-sessions', 'grant', 'delete'])
    formPages.set(`admin-${name}`, (request, reply, refusal) => showAccount(request, reply, (request.params as ById).id, refusal))
  for (const name of ['add-group', 'set-group', 'delete-group'])
    formPages.set(`admin-${name}`, (request, reply, refusal) => showGroups(request, reply, refusal))
  // Its address names the session; the account is that of the page where it stands.
  formPages.set('admin-end-session', (request, reply, refusal) => {
    const id = new RegExp(`^${home}/accounts/([\\w-]+)`).exec(refusal.values['next'] ?? '')?.[1]
    return id === undefined ? showAccounts(request, reply, {}, refusal) : showAccount(request, reply, id, refusal)
  })
  for (const name of ['retry-mail', 'drop-mail'])
    formPages.set(`admin-${name}`, (request, reply, refusal) => showMail(request, reply, {}, refusal))
}
