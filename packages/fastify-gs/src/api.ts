import { Type, type Static, type TSchema } from 'typebox'

export type { GsErrorCode } from './errors.ts'

/*
 * The contract between fastify-gs and its clients: paths below the prefix, bodies, answers.
 * The schemas validate on the server; gs-ui takes the types.
 */

/** Paths of the calls, relative to the prefix (default `/lwsgs`). */
export const gsPaths = {
  session: '/session',
  login: '/login',
  /** POST mails a code that logs in once, `loginCodes` permitting. */
  loginCode: '/login-code',
  redeemLoginCode: '/login-code/redeem',
  logout: '/logout',
  register: '/register',
  verifyEmail: '/verify-email',
  resendVerification: '/verify-email/resend',
  forgotPassword: '/forgot-password',
  redeemForgotPassword: '/forgot-password/redeem',
  changePassword: '/change-password',
  changeEmail: '/change-email',
  redeemChangeEmail: '/change-email/redeem',
  undoChangeEmail: '/change-email/undo',
  deleteAccount: '/delete-account',
  check: '/check',
  /** GET lists the visitor's sessions, DELETE ends all but the one that asks. */
  sessions: '/sessions',
  /** DELETE ends one of the visitor's sessions. */
  sessionById: '/sessions/:id',
  /** The same two for forms, which know no DELETE: the body of the first names the session (`id`). */
  endSession: '/sessions/end',
  endOtherSessions: '/sessions/end-others',
  events: '/events',
  /** POST sets the language of the account: of its mails, and of what the application says to it. */
  language: '/language',
  /** POST tells the time zone of the browser, which is kept in a cookie of its own. */
  timeZone: '/time-zone',
  admin: {
    accounts: '/admin/accounts',
    /** GET tells of one account, DELETE deletes it. */
    accountById: '/admin/accounts/:id',
    /** Deletes it too, for forms, which know no DELETE. */
    deleteAccount: '/admin/accounts/:id/delete',
    verify: '/admin/accounts/:id/verify',
    lock: '/admin/accounts/:id/lock',
    unlock: '/admin/accounts/:id/unlock',
    grant: '/admin/accounts/:id/grant',
    /** Ends all sessions of the account. */
    endSessions: '/admin/accounts/:id/end-sessions',
    /** Makes the password void, ends all sessions and mails a link to set a new one. */
    resetPassword: '/admin/accounts/:id/reset-password',
    /** From the next request on nothing is open to the account but to choose a new password. */
    requirePasswordChange: '/admin/accounts/:id/require-password-change',
    /** GET lists the groups, POST adds one. */
    groups: '/admin/groups',
    /** POST sets name or level, DELETE deletes it. */
    groupById: '/admin/groups/:id',
    /** Deletes it too, for forms. */
    deleteGroup: '/admin/groups/:id/delete',
    sessions: '/admin/sessions',
    sessionById: '/admin/sessions/:id',
    /** Like DELETE of the session, for forms. */
    endSession: '/admin/sessions/:id/end',
    mail: '/admin/mail',
    mailById: '/admin/mail/:id',
    /** Like DELETE of the mail, for forms. */
    dropMail: '/admin/mail/:id/drop',
    retryMail: '/admin/mail/:id/retry',
    audit: '/admin/audit'
  },
  /** The pages behind the links in mails. GET shows one button; only its POST has an effect. */
  verifyEmailPage: '/lwsgs-confirm',
  forgotPasswordPage: '/lwsgs-forgot',
  changeEmailPage: '/lwsgs-email',
  undoChangeEmailPage: '/lwsgs-undo-email'
} as const

/** An object that refuses fields it does not know, so that a typing error is never ignored silently. */
const closed = <P extends Record<string, TSchema>>(properties: P, description: string) =>
  Type.Object(properties, { additionalProperties: false, description })

/*
 * Lengths here only bound the work; the rules with sentences for people are in accounts/identifiers.ts
 * and crypto/passwords.ts.
 */
const name = Type.String({ minLength: 1, maxLength: 320 })
const password = Type.String({ minLength: 1, maxLength: 4096 })
const token = Type.String({ minLength: 1, maxLength: 256 })
/** BCP 47 tag, like `de` or `pt-BR`. */
const language = Type.String({ minLength: 2, maxLength: 35 })
/** Where a form wants to be sent afterwards: a path of the same origin, anything else is dropped. */
const next = Type.Optional(Type.String({ maxLength: 2048 }))

export const LoginBody = closed(
  { username: name, password, remember: Type.Optional(Type.Boolean()), next },
  'User name or e-mail address, and password'
)
export const LoginCodeBody = closed({ username: name, next }, 'User name or e-mail address')
export const RedeemLoginCodeBody = closed(
  { username: name, code: Type.String({ minLength: 1, maxLength: 32 }), remember: Type.Optional(Type.Boolean()), next },
  'The same name, and the code from the mail'
)
export const LanguageBody = closed({ language, next }, 'BCP 47 tag, like de or pt-BR')
export const TimeZoneBody = closed({ timeZone: Type.String({ minLength: 1, maxLength: 64 }), next }, 'IANA name, like Europe/Berlin')
export const LogoutBody = closed({ next }, 'Nothing')
export const RegisterBody = closed(
  { username: name, email: name, password: Type.Optional(password), language: Type.Optional(language), next },
  'A new account; without password only where people can log in with codes by mail'
)
export const TokenBody = closed({ token, next }, 'The token of a link in a mail')
export const ResendBody = closed({ email: name, next }, 'The address that waits for its verification')
export const ForgotPasswordBody = closed({ username: Type.Optional(name), email: Type.Optional(name), next }, 'User name or e-mail address')
export const ChangePasswordBody = closed({ currentPassword: Type.Optional(password), password, next }, 'The new password')
export const ChangeEmailBody = closed({ email: name, currentPassword: password, next }, 'The new address')
export const EndSessionBody = closed({ id: Type.String({ minLength: 1, maxLength: 64 }), next }, 'One of the own sessions')
export const EndOtherSessionsBody = closed({ next }, 'Nothing')
export const DeleteAccountBody = closed({ currentPassword: password, next }, 'The current password')
export const CheckQuery = closed({ username: Type.Optional(name), email: Type.Optional(name) }, 'The name to look up')
/** For programs that make a new `EventSource`, which cannot send the header `Last-Event-ID`. */
export const EventsQuery = Type.Object({ lastEventId: Type.Optional(Type.String({ description: 'id of the last event that came' })) })
/** Open: mail programs and click counters add parameters of their own. */
export const TokenQuery = Type.Object({ token: Type.Optional(Type.String({ maxLength: 256 })) })

export type TokenQuery = Static<typeof TokenQuery>
export type CheckQuery = Static<typeof CheckQuery>
export type EventsQuery = Static<typeof EventsQuery>
export type LoginBody = Static<typeof LoginBody>
export type LoginCodeBody = Static<typeof LoginCodeBody>
export type RedeemLoginCodeBody = Static<typeof RedeemLoginCodeBody>
export type LanguageBody = Static<typeof LanguageBody>
export type TimeZoneBody = Static<typeof TimeZoneBody>
export type LogoutBody = Static<typeof LogoutBody>
export type RegisterBody = Static<typeof RegisterBody>
export type TokenBody = Static<typeof TokenBody>
export type ResendBody = Static<typeof ResendBody>
export type ForgotPasswordBody = Static<typeof ForgotPasswordBody>
export type ChangePasswordBody = Static<typeof ChangePasswordBody>
export type ChangeEmailBody = Static<typeof ChangeEmailBody>
export type EndSessionBody = Static<typeof EndSessionBody>
export type EndOtherSessionsBody = Static<typeof EndOtherSessionsBody>
export type DeleteAccountBody = Static<typeof DeleteAccountBody>

const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])

/** What `GET P/session` says, and what login, verify-email, redeem and change-password answer too. */
export const SessionInfo = Type.Object(
  {
    username: nullable(Type.String({ description: 'null: nobody is logged in' })),
    email: nullable(Type.String({ description: 'null: nobody is logged in, or the configured admin' })),
    verified: Type.Boolean({ description: 'the address is verified' }),
    admin: Type.Boolean(),
    mustChangePassword: Type.Boolean({ description: 'nothing but a new password is open to this account' }),
    mask: Type.Integer({ minimum: 0, maximum: 0xffffffff, description: 'bit 0 user, 1 admin, 2 verified, 3 forgot, 4–31 sectors' }),
    level: Type.Integer({ description: '1 anonymous, 2 logged in, 10 user … 50 admin' }),
    sectors: Type.Array(Type.String()),
    ip: Type.String(),
    session: Type.String({ description: 'public id of the session, never the token' }),
    expiresAt: Type.Integer({ description: 'ms since 1970 when the session ends if nothing more happens' }),
    csrfToken: Type.String({ description: 'bound to the session; renewed at login' })
  },
  { additionalProperties: false }
)
export type SessionInfo = Static<typeof SessionInfo>

/** Answer of the calls that must not tell whether something exists. */
export const Accepted = Type.Object({ ok: Type.Literal(true) }, { additionalProperties: false })
export type Accepted = Static<typeof Accepted>

export const CheckResult = Type.Object({ available: Type.Boolean() }, { additionalProperties: false })
export type CheckResult = Static<typeof CheckResult>

const time = (description: string) => Type.Integer({ description: `${description}, ms since 1970` })

/** One of the sessions of an account. */
export const ListedSession = Type.Object(
  {
    id: Type.String({ description: 'public id' }),
    current: Type.Boolean({ description: 'the session that asks' }),
    createdAt: time('login'),
    lastActiveAt: time('last request, written at intervals of the option session.activityInterval'),
    expiresAt: time('absolute end'),
    remember: Type.Boolean({ description: '"keep me logged in"' }),
    ip: Type.String({ description: 'address of the last use' }),
    userAgent: Type.String({ description: 'as the browser names itself, at most 512 characters' }),
    pages: Type.Integer({ description: 'open pages: event streams of the session' }),
    sockets: Type.Integer({ description: "open websockets of the application's routes" })
  },
  { additionalProperties: false }
)
export type ListedSession = Static<typeof ListedSession>

/** What `GET P/sessions` says: the current session first, then the latest use first. */
export const SessionList = Type.Object({ sessions: Type.Array(ListedSession) }, { additionalProperties: false })
export type SessionList = Static<typeof SessionList>

/*
 * What `GET P/events` sends: server-sent events with JSON data, each with an `id`. A browser that comes back with `Last-Event-ID` (or
 * `?lastEventId=`) is told what is different since then.
 *
 * - `session`: a SessionInfo, at the beginning and whenever it has changed
 * - `verified`, `mask`, `level`, `email`: the one value that is another one now, before the `session` that has it
 * - `login`: another session of the account has begun; `logout`: one has ended
 * - `sessions`: {}: the list of the account's sessions, or what they have open, is another one
 * - `ended`: this session is over; the stream ends. Who comes back with an id after that, and still has the old cookie, gets it too, once
 *
 * `GET P/events` with `Accept: application/json` gives a SessionInfo. If the session of the cookie is over, and it is known why, the header
 * `x-gs-ended` gives the cause.
 */
const event = <P extends Record<string, TSchema>>(properties: P) => Type.Object(properties, { additionalProperties: false })
const cause = Type.String({ description: 'see SessionEndCause' })

export const SessionEnded = event({ cause })
export type SessionEnded = Static<typeof SessionEnded>
export const VerifiedChanged = event({ verified: Type.Boolean() })
export type VerifiedChanged = Static<typeof VerifiedChanged>
export const MaskChanged = event({ mask: Type.Integer(), sectors: Type.Array(Type.String()) })
export type MaskChanged = Static<typeof MaskChanged>
export const LevelChanged = event({ level: Type.Integer() })
export type LevelChanged = Static<typeof LevelChanged>
export const EmailChanged = event({ email: nullable(Type.String()) })
export type EmailChanged = Static<typeof EmailChanged>
/** `session`: public id. */
export const OtherLogin = event({ session: Type.String() })
export type OtherLogin = Static<typeof OtherLogin>
export const OtherLogout = event({ session: Type.String(), cause })
export type OtherLogout = Static<typeof OtherLogout>

/** The codes with which websockets are closed. The reason is one word: what closes with 4401 gives the `SessionEndCause`. */
export const gsCloseCodes = {
  /** The server stops; connect again after a moment. */
  goingAway: 1001,
  /** More messages than the limit allows. */
  tooMany: 1008,
  /** A message larger than the limit. */
  tooBig: 1009,
  /** Connect again at once: `renewed`, the browser has got a new token; `busy`, the session could not be looked up. */
  tryAgain: 1013,
  /** The session has ended; the reason is the cause, like `logout` or `account-locked`. */
  ended: 4401,
  /** The session may not be here any more: `mask`, `level` or `password-change`. */
  forbidden: 4403
} as const

/** An account as an admin sees it. */
export const AdminAccount = Type.Object(
  {
    id: Type.String(),
    username: Type.String(),
    email: nullable(Type.String()),
    verified: Type.Boolean(),
    configured: Type.Boolean({ description: 'defined in the configuration of the server: can be looked at, not changed' }),
    changeable: Type.Boolean({ description: 'whether the admin who asks may change it: he stands above it, and it is not himself' }),
    status: Type.Union([Type.Literal('inactive'), Type.Literal('active'), Type.Literal('locked'), Type.Literal('must-change-password')], {
      description: 'inactive: the address is not proved yet; of several that fit the first of locked, inactive, must-change-password'
    }),
    mustChangePassword: Type.Boolean({ description: 'nothing but a new password is open to it' }),
    visits: Type.Integer({ description: 'how often somebody has logged in' }),
    lastLoginAt: nullable(time('last login')),
    level: Type.Integer({ description: 'its own, 2 to 100' }),
    group: nullable(Type.String({ description: 'name of its group' })),
    effectiveLevel: Type.Integer({ description: 'the level that counts: that of the group, else its own' }),
    sectors: Type.Array(Type.String(), { description: 'names of the sectors that it has' }),
    createdAt: time('creation'),
    lockedAt: nullable(time('locked')),
    sessions: Type.Integer({ description: 'how many sessions live' })
  },
  { additionalProperties: false }
)
export type AdminAccount = Static<typeof AdminAccount>

const limit = Type.Optional(Type.String({ pattern: '^[0-9]{1,3}$', description: '1 to 100, default 50' }))
const after = Type.Optional(Type.String({ maxLength: 512, description: 'what `next` of the page before said' }))
const nextPlace = nullable(Type.String({ description: 'where the next page begins; null: this is the last one' }))

export const AdminAccountsQuery = closed(
  {
    search: Type.Optional(Type.String({ maxLength: 320, description: 'part of a user name or address' })),
    state: Type.Optional(
      Type.Union([Type.Literal('verified'), Type.Literal('unverified'), Type.Literal('locked'), Type.Literal('must-change-password')])
    ),
    limit,
    after
  },
  'Which accounts'
)
export type AdminAccountsQuery = Static<typeof AdminAccountsQuery>
export const AdminAccountList = Type.Object(
  {
    accounts: Type.Array(AdminAccount),
    next: nextPlace,
    sectors: Type.Array(Type.String(), { description: 'names of all sectors of the application' }),
    highestLevel: Type.Integer({ description: 'the highest level that the admin who asks may grant' })
  },
  { additionalProperties: false }
)
export type AdminAccountList = Static<typeof AdminAccountList>
export const AdminAccountAnswer = Type.Object({ account: AdminAccount }, { additionalProperties: false })
export type AdminAccountAnswer = Static<typeof AdminAccountAnswer>

export const AdminGrantBody = closed(
  {
    sectors: Type.Optional(Type.Array(Type.String({ maxLength: 100 }), { maxItems: 28, description: 'names to grant' })),
    withdraw: Type.Optional(Type.Array(Type.String({ maxLength: 100 }), { maxItems: 28, description: 'names to withdraw' })),
    level: Type.Optional(Type.Integer({ minimum: 2, maximum: 100 })),
    group: Type.Optional(nullable(Type.String({ maxLength: 128, description: 'name of a group; null or empty: none' }))),
    next
  },
  'What is not named stays as it is. A form has `level`, `group` (a name; - is none), `grant` (one name) and `withdraw` (one name); what is empty in it counts as missing.'
)
export type AdminGrantBody = Static<typeof AdminGrantBody>
export const AdminActionBody = closed({ next }, 'Nothing')
export type AdminActionBody = Static<typeof AdminActionBody>
/** Accounts that have one level together, in the place of their own. */
export const AdminGroup = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    level: Type.Integer({ description: '2 to 100' }),
    members: Type.Integer({ description: 'how many accounts are in it' }),
    changeable: Type.Boolean({ description: 'whether the admin who asks stands above its level' })
  },
  { additionalProperties: false }
)
export type AdminGroup = Static<typeof AdminGroup>
export const AdminGroupList = Type.Object({ groups: Type.Array(AdminGroup) }, { additionalProperties: false })
export type AdminGroupList = Static<typeof AdminGroupList>
export const AdminGroupAnswer = Type.Object({ group: AdminGroup }, { additionalProperties: false })
export type AdminGroupAnswer = Static<typeof AdminGroupAnswer>
const groupName = Type.String({ maxLength: 128, description: '1 to 64 characters, those of user names' })
const groupLevel = Type.Integer({ minimum: 2, maximum: 100 })
export const AdminGroupBody = closed({ name: groupName, level: groupLevel, next }, 'A new group')
export type AdminGroupBody = Static<typeof AdminGroupBody>
export const AdminGroupChange = closed(
  { name: Type.Optional(groupName), level: Type.Optional(groupLevel), next },
  'What is not named stays as it is'
)
export type AdminGroupChange = Static<typeof AdminGroupChange>
export const AdminReset = Type.Object(
  {
    mailed: Type.Boolean({
      description: 'false: the address has had too many of these mails in the last hour; the link of the last one still works'
    })
  },
  { additionalProperties: false }
)
export type AdminReset = Static<typeof AdminReset>

export const AdminSessionsQuery = closed({ account: Type.Optional(Type.String({ maxLength: 64 })), limit, after }, 'Whose sessions')
export type AdminSessionsQuery = Static<typeof AdminSessionsQuery>
export const AdminSession = Type.Object(
  {
    ...ListedSession.properties,
    accountId: Type.String(),
    username: Type.String()
  },
  { additionalProperties: false }
)
export type AdminSession = Static<typeof AdminSession>
export const AdminSessionList = Type.Object({ sessions: Type.Array(AdminSession), next: nextPlace }, { additionalProperties: false })
export type AdminSessionList = Static<typeof AdminSessionList>
export const AdminEnded = Type.Object({ ended: Type.Integer({ description: 'how many sessions ended' }) }, { additionalProperties: false })
export type AdminEnded = Static<typeof AdminEnded>

export const AdminMailQuery = closed(
  { state: Type.Optional(Type.Union([Type.Literal('waiting'), Type.Literal('sent'), Type.Literal('dead')])), limit, after },
  'Which mails'
)
export type AdminMailQuery = Static<typeof AdminMailQuery>
/** A mail in the queue; what it says is not told, because it may hold a link. */
export const AdminMail = Type.Object(
  {
    id: Type.String(),
    kind: Type.String({ description: 'verify-email, forgot-password …' }),
    recipient: Type.String(),
    state: Type.Union([Type.Literal('waiting'), Type.Literal('sent'), Type.Literal('dead')]),
    attempts: Type.Integer(),
    createdAt: time('queued'),
    nextAttemptAt: nullable(time('next attempt')),
    lastError: nullable(Type.String({ description: 'what the mail server said last' }))
  },
  { additionalProperties: false }
)
export type AdminMail = Static<typeof AdminMail>
export const AdminMailList = Type.Object({ mails: Type.Array(AdminMail), next: nextPlace }, { additionalProperties: false })
export type AdminMailList = Static<typeof AdminMailList>

export const AdminAuditQuery = closed({ account: Type.Optional(Type.String({ maxLength: 64 })), limit, after }, 'About whom')
export type AdminAuditQuery = Static<typeof AdminAuditQuery>
/** Something that an admin or operator has done. */
export const AuditEntry = Type.Object(
  {
    id: Type.String(),
    at: time('done'),
    actor: Type.String({ description: 'user name of the admin; "gs" and the name of the system user for the command line' }),
    ip: nullable(Type.String({ description: 'null: not through the network' })),
    action: Type.String({
      description:
        'add, verify, lock, unlock, grant, add-group, set-group, delete-group, delete, set-password, reset-password, require-password-change, end-session, end-sessions, retry-mail, drop-mail, import'
    }),
    accountId: nullable(Type.String()),
    username: nullable(Type.String({ description: 'of the account it was done to; null once that account is deleted' })),
    details: Type.Record(Type.String(), Type.Unknown(), { description: 'e.g. { level: [10, 30] }: before and after' })
  },
  { additionalProperties: false }
)
export type AuditEntry = Static<typeof AuditEntry>
export const AuditList = Type.Object({ entries: Type.Array(AuditEntry), next: nextPlace }, { additionalProperties: false })
export type AuditList = Static<typeof AuditList>

/** Shape of every refusal. */
export const ApiError = Type.Object({
  statusCode: Type.Integer(),
  code: Type.String({ description: 'GS_…' }),
  error: Type.String(),
  message: Type.String({ description: 'a sentence for people' }),
  field: Type.Optional(Type.String({ description: 'the field it is about' }))
})
export type ApiError = Static<typeof ApiError>
