import { gsPaths } from '../api.ts'

/** Paths of the original's forms, relative to the prefix of a mount; `register` and `code` are pages of our own. */
export const lwsgsPaths = {
  login: '/lwsgs-login',
  code: '/lwsgs-code',
  register: '/lwsgs-register',
  logout: '/lwsgs-logout',
  change: '/lwsgs-change',
  forgot: gsPaths.forgotPasswordPage,
  confirm: gsPaths.verifyEmailPage,
  changeEmail: gsPaths.changeEmailPage,
  undoChangeEmail: gsPaths.undoChangeEmailPage,
  check: '/lwsgs-check'
} as const
