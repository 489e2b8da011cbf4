import { Type, type Static, type TSchema } from 'typebox'

/*
 * The contract between fastify-gs and its clients: paths below the prefix, bodies, answers.
 * The schemas validate on the server; gs-ui takes the types.
 */

/** Paths of the calls, relative to the prefix (default `/lwsgs`). */
export const gsPaths = {
  session: '/session',
  login: '/login',
  logout: '/logout',
  register: '/register',
  verifyEmail: '/verify-email',
  resendVerification: '/verify-email/resend',
  forgotPassword: '/forgot-password',
  redeemForgotPassword: '/forgot-password/redeem',
  changePassword: '/change-password',
  deleteAccount: '/delete-account',
  check: '/check',
  /** The pages behind the links in mails. GET shows one button; only its POST has an effect. */
  verifyEmailPage: '/lwsgs-confirm',
  forgotPasswordPage: '/lwsgs-forgot'
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
/** Where a form wants to be sent afterwards: a path of the same origin, anything else is dropped. */
const next = Type.Optional(Type.String({ maxLength: 2048 }))

export const LoginBody = closed(
  { username: name, password, remember: Type.Optional(Type.Boolean()), next },
  'User name or e-mail address, and password'
)
export const LogoutBody = closed({ next }, 'Nothing')
export const RegisterBody = closed({ username: name, email: name, password, next }, 'A new account')
export const TokenBody = closed({ token, next }, 'The token of a link in a mail')
export const ResendBody = closed({ email: name, next }, 'The address that waits for its verification')
export const ForgotPasswordBody = closed({ username: Type.Optional(name), email: Type.Optional(name), next }, 'User name or e-mail address')
export const ChangePasswordBody = closed({ currentPassword: Type.Optional(password), password, next }, 'The new password')
export const DeleteAccountBody = closed({ currentPassword: password, next }, 'The current password')
export const CheckQuery = closed({ username: Type.Optional(name), email: Type.Optional(name) }, 'The name to look up')
/** Open: mail programs and click counters add parameters of their own. */
export const TokenQuery = Type.Object({ token: Type.Optional(Type.String({ maxLength: 256 })) })

export type TokenQuery = Static<typeof TokenQuery>
export type CheckQuery = Static<typeof CheckQuery>
export type LoginBody = Static<typeof LoginBody>
export type LogoutBody = Static<typeof LogoutBody>
export type RegisterBody = Static<typeof RegisterBody>
export type TokenBody = Static<typeof TokenBody>
export type ResendBody = Static<typeof ResendBody>
export type ForgotPasswordBody = Static<typeof ForgotPasswordBody>
export type ChangePasswordBody = Static<typeof ChangePasswordBody>
export type DeleteAccountBody = Static<typeof DeleteAccountBody>

const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])

/** What `GET P/session` says, and what login, verify-email, redeem and change-password answer too. */
export const SessionInfo = Type.Object(
  {
    username: nullable(Type.String({ description: 'null: nobody is logged in' })),
    email: nullable(Type.String({ description: 'null: nobody is logged in, or the configured admin' })),
    verified: Type.Boolean({ description: 'the address is verified' }),
    admin: Type.Boolean(),
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

/** Shape of every refusal. */
export const ApiError = Type.Object({
  statusCode: Type.Integer(),
  code: Type.String({ description: 'GS_…' }),
  error: Type.String(),
  message: Type.String({ description: 'a sentence for people' }),
  field: Type.Optional(Type.String({ description: 'the field it is about' }))
})
export type ApiError = Static<typeof ApiError>
