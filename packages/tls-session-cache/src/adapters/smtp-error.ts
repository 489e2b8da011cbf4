/** As nodemailer's errors are, so that who decides by them whether to try again need not know of us. */
export interface SmtpError extends Error {
  code?: string
  /** What the system or OpenSSL calls it. */
  originalCode?: string
  command?: string
  response?: string
  responseCode?: number
  permanent?: boolean
  timeoutType?: string
}

type SmtpErrorCode = 'EABORT' | 'ECONNECTION' | 'EDNS' | 'EPROTOCOL' | 'ESOCKET' | 'ETIMEDOUT' | 'ETLS'

/** An error with a code of nodemailer's. An error that there is already is given one. */
export function smtpError(what: string | Error, code: SmtpErrorCode, command: string, reply?: string): SmtpError {
  const error: SmtpError = typeof what === 'string' ? new Error(what) : what
  // Node's permission model: which permission is missing must stay to be seen.
  if (error.code !== 'ERR_ACCESS_DENIED') {
    if (error.code !== undefined && error.code !== code) error.originalCode ??= error.code
    error.code = code
  }
  error.command = command
  if (reply === undefined) return error
  error.response = reply
  error.message += `: ${reply}`
  const status = Number(/^\d{3}/.exec(reply)?.[0] ?? 0)
  if (status === 0) return error
  error.responseCode = status
  // 503 says that the order of commands was wrong, not that the mail is.
  error.permanent = status >= 500 && status < 600 && status !== 503
  return error
}

export function smtpTimeout(message: string, timeoutType: string): SmtpError {
  const error = smtpError(message, 'ETIMEDOUT', 'CONN')
  error.timeoutType = timeoutType
  return error
}

/** What a socket says, with nodemailer's code for it. */
export const socketError = (error: Error & { readonly syscall?: string }) =>
  smtpError(error, error.syscall === 'getaddrinfo' ? 'EDNS' : 'ESOCKET', 'CONN')
