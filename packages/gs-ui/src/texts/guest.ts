import { common } from './common.ts'

/** English, of what somebody sees who has no account, or not its password. */
export const guest = {
  ...common,
  'username.missing': 'Please choose a user name.',
  'username.available': 'This name is free.',
  'username.taken': 'This name is taken.',
  'password.choose': 'Please choose a password.',
  'register.known': 'Have an account?',
  'forgot.title': 'Forgot password?',
  'forgot.text': 'You get a mail with a link that logs you in once and lets you set a new password.',
  'forgot.send': 'Send link',
  'forgot.remembered': 'Remembered it?',
  'code.title': 'Log in with a code',
  'code.text': 'You get a mail with a code that logs you in once.',
  'code.send': 'Send code',
  'code.have': 'I have a code already',
  'code.sent': 'If there is such an account, a mail with a code is on its way.',
  code: 'Code from the mail',
  'code.missing': 'Please enter the code from the mail.',
  'code.again': 'Send another code',
  'code.password': 'Log in with the password',
  'mail.title': 'Check your mail',
  'mail.nothing': 'Nothing there after a few minutes? Look among the unwanted mail, or let us send it again.',
  'mail.verified': 'Verified already?'
} as const
