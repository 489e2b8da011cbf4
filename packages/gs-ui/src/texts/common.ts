/** English, of what several parts say, but not the login: each part has it in itself. */
export const common = {
  username: 'User name',
  email: 'E-mail',
  'email.missing': 'Please enter your e-mail address.',
  'mail.sent': 'We sent a mail to {email}. Please open the link in it to verify your address.',
  'mail.resend': 'Resend mail'
} as const
